"""One turn of the loop: play, keep what is good, train, play again."""
