"""The driver: `golf run` from a planned job to judged seeds, and the verbs that look at it."""
