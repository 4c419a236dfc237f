"""The storybook's teacher: it knows the truth of every picture and answers every call of the sandbox in voice."""
