"""What is known of the run that a script is judged by: which of its switches were on, and who says so."""
