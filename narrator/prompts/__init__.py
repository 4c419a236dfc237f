"""What the narrator is told."""
