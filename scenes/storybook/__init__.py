"""The storybook world: pictures whose truth is known exactly, and the five characters who live there."""
