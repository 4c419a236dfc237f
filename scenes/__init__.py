"""The vocabulary and the world: scenarios, scenes, events, views, pictures. Imports nothing above it."""
