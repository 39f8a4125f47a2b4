"""The one file that runs, is counted and is shipped."""
