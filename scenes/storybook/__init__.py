"""The storybook world: pictures whose truth is known exactly, and the eight characters who live there."""
