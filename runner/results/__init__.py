"""The values that flow from a run to its record: all frozen, all plain JSON on disk.

`RunResult` (one attempt of one seed) -> `Verification` (what the referee counted itself) -> `Verdict` (checks) ->
`RecordData` (everything a record folder is written from). `Comparison` holds seeds against a baseline. No behaviour
here beyond reading and writing JSON; numbers carry their unit in the name.
"""
