"""The referee: plans, runs, measures, verifies and judges. Never imports torch."""
