"""Judges of stored trajectories, one file or folder each. There are none in this version."""

__all__: list[str] = []
