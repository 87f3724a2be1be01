"""Types of columns that keep a value as it is, in SQLite and in PostgreSQL alike."""

import math
import re
from typing import Any

from sqlalchemy import Dialect, Float, Text
from sqlalchemy.types import TypeDecorator, TypeEngine, UserDefinedType

_MARK = "\x1a"  # "substitute" in ASCII; before the four hex digits of what stands for itself nowhere


class _SQLiteReal(UserDefinedType[Any]):
    """REAL without SQLAlchemy's conversion to float, so that text passes, which SQLite keeps as it is."""

    cache_ok = True

    def get_col_spec(self, **_: Any) -> str:
        """Return the name of the type in SQL."""
        return "REAL"


class Real(TypeDecorator[float]):
    """A float of which nan comes back too: SQLite would store it as NULL, so it is kept as text there."""

    impl = Float(53)
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """Return the type that the database knows."""
        return dialect.type_descriptor(_SQLiteReal() if dialect.name == "sqlite" else Float(53))

    def process_bind_param(self, value: float | None, dialect: Dialect) -> Any:
        """Return what the database is given."""
        return "NaN" if value is not None and math.isnan(value) and dialect.name == "sqlite" else value

    def process_result_value(self, value: Any, dialect: Dialect) -> float | None:  # noqa: ARG002
        """Return what the database gave, as a float."""
        return None if value is None else float(value)


class Words(TypeDecorator[str]):
    """Text of any length and content.

    PostgreSQL takes no NUL, and neither database takes half of a surrogate pair, which file names and what other
    programs print can have. Both are stored as a mark and four hex digits, and come back as they were.
    """

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:  # noqa: ARG002
        """Return what the database is given."""
        return value and re.sub(r"[\x00\x1a\ud800-\udfff]", lambda found: f"{_MARK}{ord(found[0]):04x}", value)

    def process_result_value(self, value: str | None, dialect: Dialect) -> str | None:  # noqa: ARG002
        """Return what was given to the database."""
        return value and re.sub(f"{_MARK}([0-9a-f]{{4}})", lambda found: chr(int(found[1], 16)), value)
