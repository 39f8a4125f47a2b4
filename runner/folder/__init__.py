"""The run folder and its ledger."""
