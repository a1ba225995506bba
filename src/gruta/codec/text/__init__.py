"""Texts as numbers: their units, and back."""
