"""Training of any model with pictures on what was exported: rows, what is learned of them, and adapters (LoRA)."""
