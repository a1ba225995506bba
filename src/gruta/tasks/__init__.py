"""What the networks are put to work on; one folder a task."""
