"""Names of users as a terminal may show them."""


def printable(text: str) -> str:
    """Return text without characters that would move the cursor, colour a terminal or begin a line of their own."""
    return "".join(char if char.isprintable() else repr(char)[1:-1] for char in text)
