"""The storybook reward model, `storybook+rm`: how good a reply is, from how likely the storybook model finds it."""
