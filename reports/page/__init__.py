"""The page that people open first: one self-contained HTML file with pictures, for one record or many."""
