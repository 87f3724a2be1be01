"""Options of a network, checked against the signature of its builder."""

import inspect
from collections.abc import Mapping
from typing import Any, Literal, get_args, get_origin, get_type_hints

from bakeoff.errors import SpecError, nearest
from bakeoff.models import Builder


def check_options(name: str, build: Builder, options: Mapping[str, Any]) -> None:
    """Check that a builder has all of these options and takes their values.

    A builder that takes any keyword, as those of other libraries do, is left to judge by itself.

    Raises:
        SpecError: if an option is unknown or its value is of a wrong type.
    """
    parameters = inspect.signature(build).parameters.values()
    if any(parameter.kind is parameter.VAR_KEYWORD for parameter in parameters):
        return
    known = [parameter.name for parameter in parameters if parameter.default is not parameter.empty]
    types = get_type_hints(build)
    for option, value in options.items():
        if option not in known:
            choices = nearest(option, known) if known else "; it has none, leave it out"
            raise SpecError(f"{name}: unknown option {option!r}{choices}")
        if not _fits(value, types[option]):
            raise SpecError(f"{name}: the option {option!r} is {value!r}; give {_describe(types[option])}")


def _fits(value: Any, wanted: Any) -> bool:
    if get_origin(wanted) is Literal:
        # By type too: True equals 1.
        return any(value == choice and type(value) is type(choice) for choice in get_args(wanted))
    if wanted is float:
        return type(value) in (int, float)
    return type(value) is wanted


def _describe(wanted: Any) -> str:
    if get_origin(wanted) is Literal:
        return " or ".join(repr(choice) for choice in get_args(wanted))
    return {bool: "true or false", int: "a whole number", float: "a number", str: "a text"}[wanted]
