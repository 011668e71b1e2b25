# SPDX-License-Identifier: GPL-3.0-or-later
"""The registry of architectures: one module of this folder adds one, by `@architecture` above its network, and one line
of `library_networks` one of segmentation_models_pytorch.

Nothing else has to be registered: the modules of this folder are imported by themselves. Recipes use the name, tables
and cards show the title, and the types of the options' dataclass are the checks of the options.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar, cast

from .network import Network

Kind = TypeVar("Kind", bound=type[Network])


class LibraryOptions(Protocol):
    """Options of a network of segmentation_models_pytorch; see `encoder_networks`."""

    @property
    def depth(self) -> int:
        """How often the encoder halves the size."""

    @property
    def output_stride(self) -> int:
        """Input pixels along a side of a cell of the encoder's coarsest map."""

    @property
    def enlargement(self) -> int:
        """How many times the decoder's map is enlarged to full size."""

    @property
    def arguments(self) -> Mapping[str, Any]:
        """Further arguments of the library's class."""


@dataclass(frozen=True)
class LibraryNetwork:
    """The same architecture in segmentation_models_pytorch, for recipes that name an `encoder`.

    Attributes:
        class_name: of the library.
        options: dataclass with the properties of `LibraryOptions`.
    """

    class_name: str
    options: type[LibraryOptions]


@dataclass(frozen=True)
class Architecture:
    """An architecture that recipes can name.

    Attributes:
        name: in recipes.
        title: for people.
        build: (channels, classes, options) → the network where a recipe names no encoder.
        options: dataclass of its options.
        encoder: what is built where a recipe names an encoder; None: it has one of its own.
    """

    name: str
    title: str
    build: Callable[[int, int, Any], Network]
    options: type
    encoder: LibraryNetwork | None


_ADDED: dict[str, Architecture] = {}


def architecture(
    name: str, *, title: str, options: type, encoder: LibraryNetwork | None = None
) -> Callable[[Kind], Kind]:
    """Add the network class below to the registry; arguments as in `Architecture`.

    Raises:
        ValueError: the name is taken by another class.
    """

    def added(kind: Kind) -> Kind:
        add(name, title, cast(Callable[[int, int, Any], Network], kind), options, encoder)
        return kind

    return added


def add(
    name: str,
    title: str,
    build: Callable[[int, int, Any], Network],
    options: type,
    encoder: LibraryNetwork | None = None,
) -> None:
    """Add an architecture to the registry; arguments as in `Architecture`.

    Raises:
        ValueError: the name is taken by another class.
    """
    if name in _ADDED and _ADDED[name].options is not options:
        raise ValueError(f"There are two architectures {name!r}.")
    _ADDED[name] = Architecture(name, title, build, options, encoder)


def architectures() -> dict[str, Architecture]:
    """Name → architecture, of all modules of this folder."""
    package = importlib.import_module(__package__)
    for module in pkgutil.iter_modules(package.__path__):
        if not module.name.startswith("__"):
            importlib.import_module(f"{__package__}.{module.name}")
    return dict(sorted(_ADDED.items()))


def title_of(name: str) -> str:
    """How people call an architecture; its name where it is none of the registry."""
    known = architectures().get(name)
    return known.title if known else name
