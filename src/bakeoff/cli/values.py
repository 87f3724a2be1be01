"""Flags whose values have a form of their own."""

from bakeoff.errors import SpecError


def names_value(flag: str, text: str | None) -> list[str] | None:
    """Return the names that are joined by commas; spaces around them and a comma too many do no harm."""
    if text is None:
        return None
    names = [part.strip() for part in text.split(",") if part.strip()]
    if not names:
        raise SpecError(f"{flag} is one name or several, joined by commas; got {text!r}")
    return names


def seeds_value(text: str | None) -> int | list[int] | None:
    """Return a number of seeds, or the seeds themselves where they are joined by commas."""
    if text is None:
        return None
    try:
        return [int(part) for part in text.split(",")] if "," in text else int(text)
    except ValueError:
        raise SpecError(f"--seeds is a number, such as 3, or a list, such as 0,5,7; got {text!r}") from None


def budget_value(text: str | None) -> dict[str, float] | None:
    """Return a budget from `epochs=10`, `steps=1000` or `seconds=60`."""
    if text is None:
        return None
    unit, equals, number = text.partition("=")
    try:
        if not equals:
            raise ValueError
        return {unit: float(number) if unit == "seconds" else int(number)}
    except ValueError:
        raise SpecError(f"--budget is epochs=N, steps=N or seconds=N; got {text!r}") from None
