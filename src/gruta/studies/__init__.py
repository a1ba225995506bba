"""Studies: each trains, measures and draws one thing that the textbook says of such networks."""

TASK = "study"
"""Of the runs that they leave."""
