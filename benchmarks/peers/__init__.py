"""Other systems, driven on the same dialogues and the same fake server as ours; each in an environment of its own."""
