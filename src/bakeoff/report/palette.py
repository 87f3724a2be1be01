"""The colours of the page, for figures that are drawn without it."""

import re
from importlib import resources
from typing import Literal


def palette(scheme: Literal["light", "dark"] = "light") -> dict[str, str]:
    """Return the colours of the page by the names of their variables in the style sheet, without the dashes."""
    style = (resources.files("bakeoff.report") / "templates" / "style.css").read_text(encoding="utf-8")
    light, dark = style.split("@media (prefers-color-scheme: dark)")[:2]
    return dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6});", light if scheme == "light" else dark[: dark.index("\n}")]))
