"""Mistakes in flags and commands, in the words of the other errors."""

import re

import typer
from pydantic import ValidationError

from bakeoff.specs.base import shown, what_is_wrong


def sentence(error: typer.TyperException) -> str:
    """Return what Typer found wrong with a command line, as one sentence that names the flag and the value."""
    told, param = " ".join(error.format_message().split()), getattr(error, "param", None)
    context = getattr(error, "ctx", None)
    if isinstance(error.__cause__, ValidationError) and param is not None:
        (problem, *_) = error.__cause__.errors()
        value, reason = shown(problem.get("input")), what_is_wrong(problem)
        name = param.opts[0] if param.param_type_name == "option" else param.display_name_raw
        if reason.startswith(value):  # one of several words: pydantic passes on what Typer says of it
            return f"{name}: {reason.rstrip('.')}"
        return f"{name}: {reason}; got {value}"
    told = re.sub(r"\.? \(?(?:Possible options: |Did you mean )(.*?)\??\)?$", r" (did you mean \1?)", told).rstrip(".")
    return f"{told[:1].lower()}{told[1:]}; see {context.command_path} --help" if context else told
