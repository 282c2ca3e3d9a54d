"""One notebook, run in every way there is, must end with the same values and outputs.

`cases.py` holds notebooks written to be nasty, `modes.py` the ways to run one, `values.py` and
`outputs.py` what is compared, `compare.py` how a difference is told. `python -m
tests.equivalence --seed N --runs M` does the same with random notebooks, for as long as asked.
"""
