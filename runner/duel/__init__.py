"""Two jobs run alternately on one node, seed by seed, and held against each other pair by pair."""
