"""From a network to logits, and from logits to figures."""
