"""Model files behind a port: asked as a whole over HTTP, step by step over WebSockets."""
