"""A comparison: expand what was declared, skip what is done, run the rest, collect."""
