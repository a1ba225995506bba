"""A series as numbers: what its stamps say, scales, features, the linear model, intervals."""
