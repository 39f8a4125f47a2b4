"""What reaches what, in which order and under which condition: the script run on labels in place of numbers."""
