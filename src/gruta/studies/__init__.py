"""Studies: each trains, measures and draws one thing that the textbook says of such networks."""
