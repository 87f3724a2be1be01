"""What every spec is: frozen, validated, and known by the hash of its content."""

import hashlib
import json
import typing
from collections.abc import Mapping
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, ValidationError

from bakeoff.errors import SpecError, nearest


class Spec(BaseModel):
    """Frozen, typed settings. Build from untrusted input with `parse`, which raises one clear sentence."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, protected_namespaces=())

    @classmethod
    def parse(cls, given: Mapping[str, Any] | Self, where: str = "") -> Self:
        """Validate a mapping; raise `SpecError` that names the field, its value and what is allowed.

        Args:
            given: field names and values, as they come from a file or a command line.
            where: the field that holds this mapping, for messages, such as "recipe".
        """
        try:
            return cls.model_validate(given)
        except ValidationError as error:
            # An unknown field comes first: it is often the cause of one that is missing.
            first = min(error.errors(), key=lambda problem: problem["type"] != "extra_forbidden")
            path = [str(part) for part in first["loc"]]
            raise FieldError(cls, [where, *path] if where else path, dict(first)) from None

    def content(self) -> dict[str, Any]:
        """Return the fields as plain JSON types."""
        return self.model_dump(mode="json")

    def digest(self) -> str:
        """Return the first 16 hex digits of the SHA-256 of the content."""
        return digest(self.content())


class FieldError(SpecError):
    """A field of a spec that did not validate. `path` leads to it, so that a file reader can add the line."""

    def __init__(self, spec: type[Spec], path: list[str], problem: Mapping[str, Any]) -> None:
        self.path = path
        self.name = ".".join(part for part in path if not part.startswith("function-"))
        if problem["type"] == "extra_forbidden":
            fields = field_names(spec, path)
            sentence = f"unknown field {self.name!r}{nearest(path[-1], fields)}"
        elif problem["type"] == "missing":
            sentence = f"the field {self.name!r} is missing"
        else:
            reason = problem["msg"].removeprefix("Value error, ").removeprefix("Assertion failed, ")
            reason = reason[:1].lower() + reason[1:]
            got = repr(problem.get("input"))
            subject = self.name or spec.__name__
            sentence = f"{subject}: {reason}; got {got if len(got) <= 80 else got[:77] + '...'}"
        super().__init__(sentence)


def field_names(spec: type[Spec], path: list[str]) -> list[str]:
    """Return the names that the innermost spec on the path to an unknown field does know."""
    current: type[Spec] = spec
    for part in path[:-1]:
        field = current.model_fields.get(part)
        for inner in _specs_in(field.annotation) if field else []:
            current = inner
    return list(current.model_fields)


def _specs_in(annotation: Any) -> list[type[Spec]]:
    if isinstance(annotation, type) and issubclass(annotation, Spec):
        return [annotation]
    return [spec for argument in typing.get_args(annotation) for spec in _specs_in(argument)]


def digest(content: Any) -> str:
    """Return the first 16 hex digits of the SHA-256 of JSON content, independent of the order of keys."""
    text = json.dumps(content, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()[:16]
