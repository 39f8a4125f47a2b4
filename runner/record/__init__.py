"""Record folders of ours: read, verified, scored again, reproduced, exported."""
