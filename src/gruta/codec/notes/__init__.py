"""Notes, as frames of keys that sound and as MIDI; NumPy alone."""
