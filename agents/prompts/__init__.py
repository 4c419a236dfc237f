"""How a view becomes a prompt: text blocks, and the layouts that put them in order."""
