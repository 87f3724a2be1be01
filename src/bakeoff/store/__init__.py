"""Where runs are kept: a database of what happened, and folders of what was made."""
