"""What Rolestage costs, measured: `make bench`."""
