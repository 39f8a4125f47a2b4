"""A process of the script: its environment, devices, events and log."""
