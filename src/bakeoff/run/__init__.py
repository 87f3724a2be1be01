"""One run, from its spec to its record: the only place that wires data, models, training and evaluation."""
