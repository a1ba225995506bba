"""Pictures and clips with captions, as files have them."""
