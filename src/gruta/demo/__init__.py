"""The demo: GRU, LSTM and RNN on half-hourly electricity demand, beside linear models."""
