"""CharacterBox's judges: of characters, of the narrator and of scenes (arXiv 2412.05631), and the judge's own data."""
