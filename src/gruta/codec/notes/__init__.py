"""Notes, and frames of keys that sound; NumPy alone."""
