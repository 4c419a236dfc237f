"""The application: plays scenarios on an engine, stores what happens, and shows it."""
