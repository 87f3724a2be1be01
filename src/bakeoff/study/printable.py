"""Names of users as a terminal may show them."""

import unicodedata


def printable(text: str) -> str:
    """Return text without characters that would move the cursor, colour a terminal or begin a line of their own."""
    return "".join(char if _is_shown(char) else repr(char)[1:-1] for char in text)


def _is_shown(char: str) -> bool:
    return char.isprintable() or unicodedata.category(char) == "Zs"  # spaces, as between a number and its unit
