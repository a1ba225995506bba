"""Which settings pay, of those that are left open: tried before training, before the test."""
