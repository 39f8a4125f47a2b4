"""Reading anybody's record folder: what its files say, what it claims, and where the two disagree."""
