"""The local page: the studies below a folder, live, in a browser."""
