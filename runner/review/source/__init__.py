"""A script's text: shells opened as data, f-strings of newer Pythons, modules beside it; nothing is executed."""
