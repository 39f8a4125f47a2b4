"""`make chaos`: kill one part of a run on a cluster at a random moment, and see that nothing is lost."""
