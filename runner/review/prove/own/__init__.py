"""Golf's own script, proven check by check: its prices are known token by token, whatever rule scores."""
