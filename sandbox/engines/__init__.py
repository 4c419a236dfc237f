"""What answers requests: vLLM, transformers, a function, or a person at the keyboard, behind one contract."""
