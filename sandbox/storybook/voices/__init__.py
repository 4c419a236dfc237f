"""What the storybook's teacher can say: intents, the frames of each voice, and the words that fill them."""
