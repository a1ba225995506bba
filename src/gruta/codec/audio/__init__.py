"""Sound as numbers that a network reads, and back."""
