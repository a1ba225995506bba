"""The page of `gruta lab`: trained models for a browser, the server, and one file that needs none.

The page itself, which computes and draws, is lab/web beside src; README.md has what goes between.
"""
