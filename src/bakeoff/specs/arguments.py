"""The arguments of a comparison by the fields that they set: mistakes are told in the words in which they were made."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from bakeoff.errors import SpecError
from bakeoff.specs.base import FieldError

FIELDS = {
    "data.name": "data",
    "data.image_size": "imgsz",
    "model.image_size": "imgsz",
    "data.skip_bad": "skip_bad",
    "data.max_train": "max_train",
    "recipe.epochs": "epochs",
    "recipe.batch_size": "batch_size",
    "recipe.optimizer": "optimizer",
    "recipe.optimizer.name": "optimizer",
    "recipe.optimizer.lr": "lr",
    "recipe.early_stopping": "patience",
    "recipe.amp": "amp",
    "recipe.engine": "engine",
    "protocol.mode": "mode",
    "protocol.budget": "budget",
    "protocol.folds": "folds",
    "protocol.val_fraction": "val_fraction",
    "protocol.target_accuracy": "target_accuracy",
}


def keyword(argument: str) -> str:
    """Return an argument as Python users write it."""
    return argument


def flag(argument: str) -> str:
    """Return an argument as it is written on the command line."""
    return "DATA" if argument == "data" else f"--{argument.replace('_', '-')}"


@contextmanager
def naming_arguments(given: Mapping[str, Any], written: Callable[[str], str] = keyword) -> Iterator[None]:
    """Name the argument, in place of the field that it sets, in the sentence of a mistake in its value.

    Args:
        given: the arguments and their values, None for those that were left out.
        written: returns an argument as the user writes it.
    """
    try:
        yield
    except FieldError as error:
        path = error.path[1:] if error.path[0] == "overrides" else error.path
        field, inner = ".".join(path), ""
        while field and field not in (*FIELDS, "seeds"):
            field, _, last = field.rpartition(".")
            inner = f".{last}{inner}"
        argument = FIELDS.get(field, field)
        told = f"{field}{inner}"
        if given.get(argument) is None or not str(error).startswith(f"{told}: "):
            raise
        inner = inner if written is keyword else ""
        raise SpecError(f"{written(argument)}{inner}{str(error).removeprefix(told)}") from None
