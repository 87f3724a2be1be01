"""Figures and names as people read them."""

import math
import re

NONE = "–"  # what stands for a value that there is not
SPACE = "\N{NO-BREAK SPACE}"


def percent(share: float | None, digits: int = 2) -> str:
    """Return a share as percent."""
    return NONE if share is None or not math.isfinite(share) else f"{100 * share:.{digits}f}{SPACE}%"


def spread(mean: float | None, deviation: float | None) -> str:
    """Return the mean of a share in percent, with its standard deviation where there is one."""
    if mean is None or deviation is None or not math.isfinite(deviation):
        return percent(mean)
    return f"{100 * mean:.2f}{SPACE}±{SPACE}{100 * deviation:.2f}{SPACE}%"


def points(difference: float | None, digits: int = 1) -> str:
    """Return the difference of two shares in percentage points."""
    return NONE if difference is None else f"{signed(difference, digits)}{SPACE}points"


def signed(share: float, digits: int = 1) -> str:
    """Return a hundred times a share, with a true minus sign."""
    # Adding 0 takes the sign off what rounds to 0.
    return f"{round(100 * share, digits) + 0.0:.{digits}f}".replace("-", "\N{MINUS SIGN}")


def interval(low: float | None, high: float | None, digits: int = 1) -> str:
    """Return the ends of an interval of shares, in percent or in points."""
    return NONE if low is None or high is None else f"{signed(low, digits)} to {signed(high, digits)}"


def probability(p: float | None) -> str:
    """Return a p-value."""
    return NONE if p is None else "< 0.001" if p < 0.001 else f"{p:.3f}"


def fraction(part: float) -> str:
    """Return a share below 1 as people say it, half, a third, a twelfth, where that is within a tenth of it."""
    whole = round(1 / part)
    if whole == 1 or abs(part * whole - 1) > 0.1:
        return f"{100 * part:.0f}{SPACE}%"
    words = ("half", "a third", "a quarter", "a fifth", "a sixth", "a seventh", "an eighth", "a ninth", "a tenth")
    return words[whole - 2] if whole <= 10 else {12: "a twelfth", 20: "a twentieth"}.get(whole, f"1/{whole:,}")


def decimal(value: float | None, digits: int = 4) -> str:
    """Return a number with so many decimals, or in powers of ten where these would show nothing of it."""
    if value is None or not math.isfinite(value):
        return NONE
    unfit = value and not 10**-digits <= abs(value) < 10**7
    return f"{value:.{digits - 1}e}" if unfit else f"{value:,.{digits}f}"


def whole(value: float | None) -> str:
    """Return a number without decimals, its thousands set apart."""
    return NONE if value is None or not math.isfinite(value) else f"{value:,.0f}"


def duration(seconds: float | None) -> str:
    """Return seconds as a person would say them."""
    if seconds is None or not math.isfinite(seconds):
        return NONE
    if seconds < 100:
        return f"{seconds:.{0 if seconds >= 10 else 1 if seconds >= 1 else 2 if seconds >= 0.1 else 3}f}{SPACE}s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}{SPACE}h {minutes:02d}{SPACE}min" if hours else f"{minutes}{SPACE}min {rest:02d}{SPACE}s"


def milliseconds(seconds: float | None) -> str:
    """Return seconds in thousandths, for times too short for people."""
    if seconds is None or not math.isfinite(seconds):
        return NONE
    return f"{1000 * seconds:,.{2 if seconds < 0.01 else 0}f}{SPACE}ms"


def size(count: float | None) -> str:
    """Return a number of bytes."""
    if count is None or not math.isfinite(count):
        return NONE
    for unit in ("B", "kB", "MB", "GB"):
        if count < 1000 or unit == "GB":
            break
        count /= 1000
    return f"{count:.0f}{SPACE}{unit}" if unit == "B" else f"{count:.1f}{SPACE}{unit}"


def plural(count: int, noun: str, several: str = "") -> str:
    """Return a number with its noun: 1 run, 2 runs."""
    return f"{count:,} {noun if count == 1 else several or noun + 's'}"


def join(words: list[str], conjunction: str = "and") -> str:
    """Return words as a sentence lists them."""
    return f"{', '.join(words[:-1])} {conjunction} {words[-1]}" if len(words) > 1 else "".join(words)


def short(name: str, length: int = 40) -> str:
    """Return a name in one line and of bounded length."""
    line = re.sub(r"\s+", " ", name).strip() or repr(name)
    return line if len(line) <= length else line[: length - 1].rstrip() + "…"


def moment(time: str) -> str:
    """Return a time in ISO 8601 as date and minute."""
    return f"{time[:10]} {time[11:16]} UTC" if time else NONE
