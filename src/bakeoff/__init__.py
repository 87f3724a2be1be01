"""Compare image classifiers: which model to use, whether the difference is real, and what it costs."""

__version__ = "0.1.0"
