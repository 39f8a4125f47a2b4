"""Anybody's training script: what its code may do with data, network, bytes and clocks; read, not run."""
