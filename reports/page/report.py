"""`golf report --format html`: the page of one record, or of many."""
