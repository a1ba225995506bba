"""The recogniser: its training beside torch.nn, where a step's time goes, sound as it comes."""
