"""What helps to write a job: its schema for editors, the jobs that golf brings, and a first draft of one's own."""
