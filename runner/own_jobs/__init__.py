"""The jobs that golf brings, by name, wherever it is installed."""
