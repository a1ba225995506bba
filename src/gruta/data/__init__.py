"""Files and frames on their way to batches: read, checked, and refused with a reason."""
