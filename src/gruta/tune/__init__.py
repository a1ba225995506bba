"""Settings found by trials: `gruta tune`, with Optuna over a storage that many processes share.

`space.py`: what is tried of each setting; `sweep.py`: trials, one after the other; `outcome.py`:
the best and the default, scored; `told.py`: the page.
"""
