"""What every server of this house shares: who may ask, how it listens, how much it takes in."""
