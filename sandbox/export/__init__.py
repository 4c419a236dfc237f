"""Runs as data for training: one file for each format, and what all of them share."""
