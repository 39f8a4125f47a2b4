"""Seeds that are added one by one until a claim holds or is given up, at a controlled error."""
