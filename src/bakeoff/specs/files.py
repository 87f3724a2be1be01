"""YAML in: study and recipe files, with the line of whatever is wrong in them."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from bakeoff.errors import BakeoffError, SpecError
from bakeoff.specs.base import FieldError
from bakeoff.specs.library import resolve_recipe
from bakeoff.specs.study import StudySpec

MAX_BYTES = 1_000_000


class _UniqueKeyLoader(yaml.SafeLoader):
    """A safe loader that refuses a key that stands twice: the first would be lost without a word."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen: set[Any] = set()
        for key_node, _ in node.value:
            key = key_node.value
            if isinstance(key, list):  # which the loader itself refuses
                continue
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
    content = read_yaml(path)
    if "recipe" in content:
        content["recipes"] = [content.pop("recipe")]
    if isinstance(content.get("data"), str):
        content["data"] = {"name": content["data"]}
    for field, value in changes.items():
        merges = isinstance(value, Mapping) and isinstance(content.get(field, {}), Mapping)
        content[field] = {**content.get(field, {}), **value} if merges else value
    try:
        if isinstance(content.get("recipes"), list):
            content["recipes"] = [resolve_recipe(given) for given in content["recipes"]]
        return StudySpec.parse(content)
    except FieldError as error:
        raise SpecError(f"{path}, line {_line_of(path, error.path)}: {error}") from None
    except BakeoffError as error:
        raise SpecError(f"{path}: {error}") from None


def _line_of(path: Path, fields: list[str]) -> int:
    """Return the line, from 1, of the innermost node of the file on the way to a field."""
    node = yaml.compose(path.read_text(encoding="utf-8"), _UniqueKeyLoader)
    line = 1
    for field in fields:
        if isinstance(node, yaml.MappingNode):
            child = next(((key, value) for key, value in node.value if key.value == field), None)
            if child is None:
                continue
            line, node = child[0].start_mark.line + 1, child[1]
        elif isinstance(node, yaml.SequenceNode) and field.isdigit() and int(field) < len(node.value):
            node = node.value[int(field)]
            line = node.start_mark.line + 1
    return line
