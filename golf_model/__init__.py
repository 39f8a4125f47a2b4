"""The player: the model, its training, its artifact and its score. Never imports the referee."""
