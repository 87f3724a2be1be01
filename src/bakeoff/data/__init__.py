"""Images: where they come from, how they are split, and how they reach the device as batches."""
