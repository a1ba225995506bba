"""A trained network without PyTorch: NumPy and the kernels."""
