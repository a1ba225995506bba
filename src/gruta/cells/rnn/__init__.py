"""The plain recurrent network, tanh or ReLU; README.md has the mathematics."""
