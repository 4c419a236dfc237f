"""The recipe that makes the storybook model from nothing."""
