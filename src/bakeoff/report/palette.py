"""The colours of the page, for figures that are drawn without it."""

import re
from importlib import resources


def palette() -> dict[str, str]:
    """Return the colours of the light page by the names of their variables in the style sheet, without the dashes."""
    style = (resources.files("bakeoff.report") / "templates" / "style.css").read_text(encoding="utf-8")
    light = style[style.index(":root {") : style.index("}")]
    return dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6})", light))
