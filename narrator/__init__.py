"""The narrator: how a scene opens and who speaks next."""
