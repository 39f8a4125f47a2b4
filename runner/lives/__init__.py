"""Earlier lives of a seed: what outlives a killed attempt on its node, and which of it counts."""
