"""Where claims and logs disagree."""
