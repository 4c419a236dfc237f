"""MMRole's judge: eight metrics against a reference, its test records, and the tables made of its reviews."""
