"""The public face of a package: names that are imported from their modules when somebody asks for them."""

from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any


def face(package: str, homes: Mapping[str, str]) -> tuple[list[str], Callable[[str], Any], Callable[[], list[str]]]:
    """Make a package's ``__all__``, ``__getattr__`` and ``__dir__``.

    Python calls ``__getattr__`` for a name that is not there yet; notebooks complete names by ``__dir__``. So whoever
    wants the errors alone, or one small value, does not wait for Arrow and the compiler.

    Parameters
    ----------
    package : str
        The package's ``__name__``.
    homes : mapping of str to str
        The module of each name, as seen from the package: ``{"Ticks": "ticks"}``.
    """

    def find(name: str) -> Any:
        if home := homes.get(name):
            return getattr(import_module(f"{package}.{home}"), name)
        raise AttributeError(f"module {package!r} has no attribute {name!r}")

    names = sorted(homes)
    return names, find, lambda: names
