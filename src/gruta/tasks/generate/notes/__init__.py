"""Notes as what a generator writes: frames of 88 keys, one after the other."""
