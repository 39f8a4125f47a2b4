"""How a run stands while it runs: what its logs say, how long it still takes, what it costs, what waits for what."""
