"""Reviews of scripts for people: the terminal, and a comment for a pull request."""
