"""What a record's results say, held against all else that the record says of the same: log, ledger, job, script."""
