"""Labels in place of numbers: what values hold, what expressions make of them, and what happened, in order."""
