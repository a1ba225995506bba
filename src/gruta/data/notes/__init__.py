"""Pieces of music as they come: MIDI files, piano rolls, scores."""
