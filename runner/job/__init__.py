"""Jobs: what is to be done, read strictly from YAML."""
