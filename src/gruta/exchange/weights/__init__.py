"""Weights of recurrent layers as other frameworks keep them, to and fro: a file a framework."""
