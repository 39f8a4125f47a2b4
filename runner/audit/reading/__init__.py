"""What the files of a record folder say: logs in, runs out."""
