"""What every spec is: frozen, validated, and known by the hash of its content."""

import hashlib
import json
import typing
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, ValidationError, model_validator

from bakeoff.errors import SpecError, nearest


class Spec(BaseModel):
    """Frozen, typed settings. Build from untrusted input with `parse`, which raises one clear sentence."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, protected_namespaces=())

    @classmethod
    def parse(cls, given: Mapping[str, Any] | Self, where: str = "") -> Self:
        """Validate a mapping; raise `SpecError` that names the field, its value and what is allowed.

        Args:
            given: field names and values, as they come from a file or a command line.
            where: the field that holds this mapping, for messages, such as "recipe" or "recipes.1".
        """
        try:
            return cls.model_validate(given)
        except ValidationError as error:
            # An unknown field comes first: it is often the cause of one that is missing.
            first = min(error.errors(), key=lambda problem: problem["type"] != "extra_forbidden")
            path = [str(part) for part in first["loc"]]
            raise _field_error(cls, where.split(".") if where else [], path, dict(first)) from None

    def content(self) -> dict[str, Any]:
        """Return the fields as plain JSON types."""
        return self.model_dump(mode="json")

    def digest(self) -> str:
        """Return the first 16 hex digits of the SHA-256 of the content."""
        return digest(self.content())


class Named(Spec):
    """A spec that its name alone may stand for."""

    @model_validator(mode="before")
    @classmethod
    def _by_name(cls, given: Any) -> Any:
        if not isinstance(given, str | Mapping | cls):
            raise ValueError("must be a name or a mapping of fields")
        return {"name": given} if isinstance(given, str) else given


class FieldError(SpecError):
    """A field of a spec that did not validate.

    Attributes:
        path: leads to the field, so that a reader of files can name the line.
        value: what stands there.
    """

    def __init__(self, sentence: str, path: Sequence[str], value: Any) -> None:
        self.path, self.value = tuple(path), value
        super().__init__(sentence)


# What pydantic says in words of Python, in those of a file.
_REASONS = {
    **dict.fromkeys(("tuple_type", "list_type"), "must be a list"),
    **dict.fromkeys(("dict_type", "model_type", "model_attributes_type"), "must be a mapping of fields"),
    **dict.fromkeys(("int_type", "int_parsing", "int_from_float"), "must be a whole number"),
    **dict.fromkeys(("float_type", "float_parsing"), "must be a number"),
    **dict.fromkeys(("bool_type", "bool_parsing"), "must be true or false"),
    "string_type": "must be text; put it in quotes",
    "string_too_short": "must not be empty",
    "too_short": "needs at least {min_length}, and has {actual_length}",
    "too_long": "takes at most {max_length}, and has {actual_length}",
}


def _field_error(spec: type[Spec], where: list[str], path: list[str], problem: Mapping[str, Any]) -> FieldError:
    """Return pydantic's account of a problem in a spec, which stands at a place of its own, as one sentence."""
    path = [*where, *(part for part in path if not part.startswith("function-"))]
    name, value = ".".join(path), problem.get("input")
    if problem["type"] == "extra_forbidden":
        # A right name in a wrong place, such as recipe.lr, says more than one that is written alike.
        elsewhere = [".".join([*where, *found]) for found in _paths_to(path[-1], spec)]
        hint = f"; did you mean {' or '.join(elsewhere)}?" if elsewhere else nearest(path[-1], field_names(spec, path))
        return FieldError(f"unknown field {name!r}{hint}", path, value)
    if problem["type"] == "missing" and not path[-1].isdecimal():
        return FieldError(f"the field {name!r} is missing", path, value)
    if problem["type"] == "missing":  # in a list
        name, reason = ".".join(path[:-1]), f"needs at least {int(path[-1]) + 1}"
    else:
        reason = what_is_wrong(problem)
    return FieldError(f"{name or spec.__name__}: {reason}; got {shown(value)}", path, value)


def what_is_wrong(problem: Mapping[str, Any]) -> str:
    """Return pydantic's account of one problem in words of users, without the name and the value."""
    if problem["type"] in _REASONS:
        return _REASONS[problem["type"]].format(**problem.get("ctx", {}))
    reason: str = problem["msg"].removeprefix("Value error, ").replace("Input should", "must")
    return reason[:1].lower() + reason[1:]


def shown(value: Any) -> str:
    """Return a value of a file for a message."""
    text = "nothing" if value is None else str(value).lower() if isinstance(value, bool) else repr(value)
    return text if len(text) <= 80 else text[:77] + "..."


def as_written(value: Any) -> str:
    """Return a value much as a study file has it, and an empty one as none: `{flip: {}}` is `flip`.

    Of what is known by a name or a kind, that comes first, and what is not set is left out: `dense (size: 400)`.
    """
    if isinstance(value, dict) and (key := next((key for key in ("name", "kind") if key in value), None)):
        rest = as_written({name: inner for name, inner in value.items() if name != key and inner not in (None, {})})
        return str(value[key]) if rest == "none" else f"{value[key]} ({rest})"
    if isinstance(value, dict):
        parts = [name if inner == {} else f"{name}: {as_written(inner)}" for name, inner in value.items()]
        return ", ".join(parts) or "none"
    if isinstance(value, list | tuple):
        return " + ".join(map(as_written, value)) or "none"
    return str(value).lower() if value is None or isinstance(value, bool) else str(value)


def flat(content: Mapping[str, Any], path: str = "") -> dict[str, Any]:
    """Return nested fields under dotted paths, such as `recipe.optimizer.lr`; an empty mapping stays a value."""
    found: dict[str, Any] = {}
    for name, value in content.items():
        found |= flat(value, f"{path}{name}.") if isinstance(value, Mapping) and value else {f"{path}{name}": value}
    return found


def field_names(spec: type[Spec], path: list[str]) -> list[str]:
    """Return the names that the innermost spec on the path to an unknown field does know."""
    current: type[Spec] = spec
    for part in path[:-1]:
        field = current.model_fields.get(part)
        for inner in _specs_in(field.annotation) if field else []:
            current = inner
    return list(current.model_fields)


def _paths_to(name: str, spec: type[Spec]) -> Iterator[list[str]]:
    """Yield where a spec, or one in it, has a field of that name."""
    for field, about in spec.model_fields.items():
        if field == name:
            yield [field]
        for inner in _specs_in(about.annotation):
            yield from ([field, *path] for path in _paths_to(name, inner))


def _specs_in(annotation: Any) -> list[type[Spec]]:
    if isinstance(annotation, type) and issubclass(annotation, Spec):
        return [annotation]
    return [spec for argument in typing.get_args(annotation) for spec in _specs_in(argument)]


def digest(content: Any) -> str:
    """Return the first 16 hex digits of the SHA-256 of JSON content, independent of the order of keys."""
    text = json.dumps(content, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()[:16]
