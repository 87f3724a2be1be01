"""The recipes that come with the product, by name. They are the YAML files of `bakeoff/recipes`."""

from collections.abc import Mapping
from functools import cache
from importlib import resources
from typing import Any

import yaml

from bakeoff.errors import UnknownNameError
from bakeoff.specs.base import Spec
from bakeoff.specs.recipe import Recipe

DEFAULT = "default"


class Entry(Spec):
    """One file of the library."""

    summary: str
    recipe: Recipe


@cache
def library() -> dict[str, Entry]:
    """Return every recipe that comes with the product, by name."""
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


def find_recipe(name: str) -> Recipe:
    """Return the library's recipe of that name, or raise `UnknownNameError` with the nearest names."""
    try:
        return library()[name].recipe
    except KeyError:
        raise UnknownNameError("recipe", name, library()) from None


def resolve_recipe(given: str | Mapping[str, Any] | Recipe) -> Recipe:
    """Return a recipe from a library name or from a mapping of fields, which may start from a `base`."""
    if isinstance(given, Recipe):
        return given
    if isinstance(given, str):
        return find_recipe(given)
    if not isinstance(given, Mapping) or "base" not in given:
        return Recipe.parse(given, "recipe")
    fields = dict(given)
    base = find_recipe(str(fields.pop("base")))
    return Recipe.parse({**base.content(), "name": f"{base.name}*", **fields}, "recipe")


def recipe_for(model: str) -> Recipe:
    """Return the recipe declared for a model: the library's of the same name, else the default one."""
    return find_recipe(model if model in library() else DEFAULT)
