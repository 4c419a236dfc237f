"""Judges of stored trajectories, one file or folder each."""
