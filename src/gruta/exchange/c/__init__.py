"""Networks as C: one header, one source, and a test that holds them to what gruta computes.

The templates are in `templates/`, C but for words between two @; README.md says how a program is
put together.
"""
