"""The options of every command. A command imports what it needs when it is called, so help is instant."""
