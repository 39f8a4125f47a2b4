"""A script's import on a CPU, cut off from network, data and this machine: foreign code runs, and only here."""
