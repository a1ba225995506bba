"""The LSTM, with or without a projection of its hidden state; README.md has the mathematics."""
