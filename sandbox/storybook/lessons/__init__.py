"""What the storybook model learns from: scenes that the teacher plays."""
