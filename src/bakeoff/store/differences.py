"""Where two JSON values differ, in words."""

import json
import re
from typing import Any

HASH = re.compile(r"[0-9a-f]{64}")


def differences(theirs: Any, ours: Any, path: str = "", names: tuple[str, str] = ("there", "here")) -> list[str]:
    """Return where two JSON values differ, each as 'field is X there and Y here'."""
    if isinstance(theirs, dict) and isinstance(ours, dict):
        found = []
        for key in sorted(theirs.keys() | ours.keys()):
            found += differences(theirs.get(key), ours.get(key), f"{path}.{key}" if path else key, names)
        return found
    if theirs == ours:
        return []
    return [f"{path} is {_told(theirs)} {names[0]} and {_told(ours)} {names[1]}"]


def _told(value: Any) -> str:
    """Return a value for a sentence; of a hash, enough to see that it is another."""
    if isinstance(value, str) and HASH.fullmatch(value):
        return f"{value[:12]}…"
    return "not set" if value is None else json.dumps(value)
