"""Evidence: are the differences between models real? NumPy and SciPy only; functions take arrays.

`judge` takes the scores of every run on every test image and returns a `Verdict`; `sentences` puts it in words.
Methods, assumptions, sources and calibration: `docs/evidence.md`.
"""
