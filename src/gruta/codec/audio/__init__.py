"""Sound in numbers, and the texts that are heard in it; NumPy alone."""
