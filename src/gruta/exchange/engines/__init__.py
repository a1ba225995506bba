"""Engines of others, run on a file."""
