"""The embedded model: its checkpoint, and where it lies."""
