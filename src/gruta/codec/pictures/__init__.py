"""Pictures to numbers: NumPy alone."""
