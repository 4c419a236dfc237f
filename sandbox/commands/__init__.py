"""What the commands print: a function for each, called by `sandbox.command_line`."""
