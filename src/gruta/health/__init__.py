"""The health of gradients: measured here, drawn elsewhere."""
