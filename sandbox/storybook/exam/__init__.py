"""What the storybook model is asked and how its answers are marked."""
