"""A server under load: how many streams it answers in time, and whether its memory stays flat."""
