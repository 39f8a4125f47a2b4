"""A script run many times on small made-up data, cut off from this machine: what moves that must not is a proof."""
