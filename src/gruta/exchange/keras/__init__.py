"""Keras 3: the recurrent layers of `.keras` files, read and written without Keras or TensorFlow."""
