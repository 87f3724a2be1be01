"""What a person reads of a study: one HTML file, and pictures of its data."""
