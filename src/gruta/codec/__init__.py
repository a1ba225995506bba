"""What turns data into numbers and back: NumPy alone, shared by training and the runtime."""
