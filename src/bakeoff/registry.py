"""One register for everything that has a name: models, data sources, augmentations, metrics.

A registry belongs to a package. Each module of that package registers what it defines, and the first look-up
imports them all: adding a thing is adding a file.
"""

import pkgutil
from collections.abc import Callable, Iterator
from fnmatch import fnmatchcase
from importlib import import_module
from typing import Generic, TypeVar

from bakeoff.errors import UnknownNameError

T = TypeVar("T")


class Registry(Generic[T]):
    """Named things of one kind, found in the modules of one package.

    Args:
        kind: what an entry is called in error messages, such as "model".
        package: the package whose modules register entries, imported at the first look-up.
    """

    def __init__(self, kind: str, package: str) -> None:
        self.kind = kind
        self._package = package
        self._entries: dict[str, T] = {}
        self._discovered = False

    def register(self, name: str) -> Callable[[T], T]:
        """Return a decorator that registers an entry; a name that is taken is a `ValueError`."""

        def add(entry: T) -> T:
            if name in self._entries:
                raise ValueError(f"{self.kind} {name!r} is registered twice")
            self._entries[name] = entry
            return entry

        return add

    def get(self, name: str) -> T:
        """Return the entry of that name, or raise `UnknownNameError` with the nearest names."""
        self._discover()
        try:
            return self._entries[name]
        except KeyError:
            raise UnknownNameError(self.kind, name, self._entries) from None

    def __contains__(self, name: object) -> bool:
        self._discover()
        return name in self._entries

    def __iter__(self) -> Iterator[str]:
        self._discover()
        return iter(sorted(self._entries))

    def match(self, pattern: str) -> list[str]:
        """Return the sorted names that fit a shell pattern such as `vgg*`."""
        return [name for name in self if fnmatchcase(name, pattern)]

    def _discover(self) -> None:
        if self._discovered:
            return
        self._discovered = True
        package = import_module(self._package)
        for module in pkgutil.iter_modules(package.__path__):
            import_module(f"{self._package}.{module.name}")
