"""YAML in: study and recipe files, with the line of whatever is wrong in them."""

import math
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml

from bakeoff.errors import SpecError, UnknownNameError
from bakeoff.specs.base import FieldError
from bakeoff.specs.library import resolve_recipe
from bakeoff.specs.recipe import Recipe
from bakeoff.specs.study import StudySpec

MAX_BYTES = 1_000_000
MAX_MEANT = 4 * MAX_BYTES  # characters and values, with every alias written out


class _UniqueKeyLoader(yaml.SafeLoader):
    """A safe loader that refuses what a study file never has.

    A key that is no text, or stands twice: the first would be lost without a word. Aliases of aliases that stand for
    more than fits into memory, or for themselves.
    """

    def get_single_node(self) -> yaml.Node | None:
        node = super().get_single_node()
        if node is not None and _meant(node, {}) > MAX_MEANT:
            why = "its aliases stand for themselves, or for more than any study has"
            raise yaml.constructor.ConstructorError(None, None, why, node.start_mark)
        return node

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen: set[Any] = set()
        for key_node, _ in node.value:
            key = key_node.value
            if isinstance(key, list):  # which the loader itself refuses
                continue
            if key_node.tag != "tag:yaml.org,2002:str":
                raise yaml.constructor.ConstructorError(
                    None, None, f"the key {key} is no text in YAML; put it in quotes", key_node.start_mark
                )
            if key in seen:
                raise yaml.constructor.ConstructorError(
                    None, None, f"the key {key!r} stands twice", key_node.start_mark
                )
            seen.add(key)
        return super().construct_mapping(node, deep)


def read_yaml(path: Path) -> dict[str, Any]:
    """Return the mapping in a YAML file; raise `SpecError` with the line of a mistake."""
    try:
        if path.stat().st_size > MAX_BYTES:
            raise SpecError(
                f"{path}: the file has over {MAX_BYTES:,} bytes, too many for a study; is it the right file?"
            )
        content = yaml.load(path.read_text(encoding="utf-8"), _UniqueKeyLoader)  # noqa: S506, a safe loader
    except OSError as error:
        raise SpecError(f"{path}: cannot be read ({error.strerror}); give the path of a study file") from None
    except UnicodeDecodeError:
        raise SpecError(f"{path}: is not text in UTF-8; give the path of a YAML study file") from None
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        mark = getattr(error, "problem_mark", None)
        line = f", line {mark.line + 1}" if mark else ""
        why = getattr(error, "problem", None) or str(error).partition("\n")[0]
        raise SpecError(f"{path}{line}: is not valid YAML: {why}") from None
    if not isinstance(content, dict):
        raise SpecError(f"{path}: a study file is a mapping of fields, such as 'data: cifar10'")
    return content


def read_study(path: Path, changes: Mapping[str, Any]) -> StudySpec:
    """Return the study that a YAML file declares, with some fields changed.

    A recipe in it is a name from the library, or a mapping, whose field `base` may name one to start from.

    Args:
        path: the file.
        changes: fields of `StudySpec`; mappings are merged into the file's, other values replace them.

    Raises:
        SpecError: a mistake, with the file and the line.
    """
    with naming_lines(path):
        content = read_yaml(path)
        if "recipe" in content and "recipes" in content:
            raise SpecError(f"{path}: has both recipe and recipes, which mean the same; keep one")
        if "recipe" in content and "recipes" not in changes:
            content["recipes"] = _recipes(content.pop("recipe"), "recipe")
        elif "recipes" in content and "recipes" not in changes:
            content["recipes"] = _recipes(content["recipes"], "recipes")
        content.pop("recipe", None)
        if isinstance(content.get("data"), str):
            content["data"] = {"name": content["data"]}
        for field, value in changes.items():
            merges = isinstance(value, Mapping) and isinstance(content.get(field, {}), Mapping)
            content[field] = {**content.get(field, {}), **value} if merges else value
        if "recipes" in changes:
            content["recipes"] = [resolve_recipe(given) for given in content["recipes"]]
        return StudySpec.parse(content)


def _recipes(given: Any, where: str) -> list[Recipe]:
    if isinstance(given, list):
        return [resolve_recipe(one, f"{where}.{place}") for place, one in enumerate(given)]
    return [resolve_recipe(given, where)]


@contextmanager
def naming_lines(path: Path | None) -> Iterator[None]:
    """Put file and line before the sentence of a mistake whose value stands in a study file.

    Args:
        path: the file; None where there is none.
    """
    try:
        yield
    except (FieldError, UnknownNameError) as error:
        line = _line_of(path, error) if path else None
        if line is None:  # the value comes from elsewhere, such as an option
            raise
        raise SpecError(f"{path}, line {line}: {error}") from None


def _line_of(path: Path, error: FieldError | UnknownNameError) -> int | None:
    """Return the line, from 1, at which a value that is a mistake stands; None where it does not."""
    root = yaml.compose(path.read_text(encoding="utf-8"), _UniqueKeyLoader)
    assert root is not None, "the file was read before"
    if isinstance(error, UnknownNameError):
        return next((node.start_mark.line + 1 for node in _scalars(root) if node.value == error.name), None)
    node, line = root, 1
    for place, field in enumerate(error.path):
        if isinstance(node, yaml.MappingNode) and not field.isdigit():
            child = next(((key, value) for key, value in node.value if key.value == field), None)
            if child is None:  # what is missing, or stands there in a short form
                return line if place == len(error.path) - 1 else None
            line, node = child[0].start_mark.line + 1, child[1]
        elif isinstance(node, yaml.SequenceNode) and field.isdigit() and int(field) < len(node.value):
            node = node.value[int(field)]
            line = node.start_mark.line + 1
    same = not isinstance(node, yaml.ScalarNode) or yaml.SafeLoader("").construct_object(node) == error.value
    return line if same else None


def _meant(node: yaml.Node, known: dict[int, float]) -> float:
    """Return how many characters and values a node stands for with its aliases written out."""
    if id(node) not in known:
        known[id(node)] = math.inf  # for whoever asks while it is counted, which it is then within itself
        inner = sum(_meant(child, known) for child in _children(node))
        known[id(node)] = 1 + inner + (len(node.value) if isinstance(node, yaml.ScalarNode) else 0)
    return known[id(node)]


def _children(node: yaml.Node) -> Iterator[yaml.Node]:
    for child in node.value if isinstance(node, yaml.CollectionNode) else ():
        yield from child if isinstance(child, tuple) else (child,)


def _scalars(node: yaml.Node) -> Iterator[yaml.ScalarNode]:
    if isinstance(node, yaml.ScalarNode):
        yield node
    for child in _children(node):
        yield from _scalars(child)
