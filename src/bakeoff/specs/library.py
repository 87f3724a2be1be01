"""The library that comes with the product: recipes, and whole systems. They are the YAML files of `bakeoff/recipes`."""

from collections.abc import Mapping
from functools import cache
from importlib import resources
from typing import Any

import yaml

from bakeoff.errors import UnknownNameError
from bakeoff.specs.base import FieldError, shown
from bakeoff.specs.entry import Entry
from bakeoff.specs.model import ModelSpec
from bakeoff.specs.recipe import Recipe

DEFAULT = "default"


@cache
def library() -> dict[str, Entry]:
    """Return every entry of the library, by name."""
    files = sorted(resources.files("bakeoff.recipes").iterdir(), key=lambda file: file.name)
    return {
        file.name.removesuffix(".yaml"): _read(file.name.removesuffix(".yaml"), file.read_text(encoding="utf-8"))
        for file in files
        if file.name.endswith(".yaml")
    }


def _read(name: str, text: str) -> Entry:
    content = yaml.safe_load(text)
    content["recipe"] = {"name": name, **content["recipe"]}
    return Entry.parse(content)


def systems() -> dict[str, Entry]:
    """Return the entries that are whole systems, by name."""
    return {name: entry for name, entry in library().items() if entry.model}


def find_system(name: str) -> Entry:
    """Return the system of that name, or raise `UnknownNameError` with the nearest names."""
    try:
        return systems()[name]
    except KeyError:
        raise UnknownNameError("system", name, systems()) from None


def resolve_model(given: ModelSpec) -> ModelSpec:
    """Return the model that a spec means: where its name is a system's, that system's, with what else was given.

    The label is then the system's name, so that tables tell it from the bare network.
    """
    entry = systems().get(given.name)
    if entry is None or entry.model is None:
        return given
    label = {} if entry.model.name == given.name else {"label": given.name}
    changes = {field: getattr(given, field) for field in given.model_fields_set - {"name"}}
    if "weights" in changes:  # other weights than those that the system pins
        changes = {"weights_sha256": "", **changes}
    return entry.model.model_copy(update={**label, **changes})


def find_recipe(name: str) -> Recipe:
    """Return the library's recipe of that name, or raise `UnknownNameError` with the nearest names."""
    try:
        return library()[name].recipe
    except KeyError:
        raise UnknownNameError("recipe", name, library()) from None


def resolve_recipe(given: str | Mapping[str, Any] | Recipe, where: str = "recipe") -> Recipe:
    """Return a recipe from a library name or from a mapping of fields, which may start from a `base`.

    Args:
        given: the name or the fields.
        where: the field that holds it, for messages.
    """
    if isinstance(given, Recipe):
        return given
    if isinstance(given, str):
        return find_recipe(given)
    if not isinstance(given, Mapping):
        raise FieldError(f"{where}: must be a name or a mapping of fields; got {shown(given)}", where.split("."), given)
    fields = dict(given)
    if "base" in fields:
        base = find_recipe(str(fields.pop("base")))
        fields = {**base.content(), "name": f"{base.name}*", **fields}
    return Recipe.parse(fields, where)


def recipe_for(*names: str) -> Recipe:
    """Return the recipe declared for a model with these names: of the first that is an entry's, else `default`."""
    return find_recipe(next((name for name in names if name in library()), DEFAULT))
