"""ONNX: its operators GRU, LSTM and RNN, read and written as the standard has them.

Nothing here loads an engine; `onnx` itself is imported where a file is read or written.
"""
