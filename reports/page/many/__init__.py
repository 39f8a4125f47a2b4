"""Sections on many records, anybody's among them: who leads, what it cost, who beats whom, what was found."""
