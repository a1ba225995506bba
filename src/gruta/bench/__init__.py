"""Measurements beside the rivals, in one run; the only home of timings. README.md says how."""
