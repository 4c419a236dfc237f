"""Who acts in a scene: characters and players, and the prompts that make a request out of a view."""
