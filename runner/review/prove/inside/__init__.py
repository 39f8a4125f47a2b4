"""Programs of the cut-off room: they run beside the script, in its process, and import nothing of golf."""
