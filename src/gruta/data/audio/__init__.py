"""Recordings as they come: sound files of any kind, arrays, and what is said in them."""
