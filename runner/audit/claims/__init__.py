"""What submission.json and README claim."""
