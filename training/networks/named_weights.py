# SPDX-License-Identifier: GPL-3.0-or-later
"""Weights that recipes call by name: encoders published elsewhere (`weights.toml`), and the networks in `models/`.

A file is sought in the folder of weights (`LULC_WEIGHTS`, else a cache), then in the hub's own cache, then on the hub.
A hub that does not answer within five seconds is not waited for: the message says which file to put where.
"""

from __future__ import annotations

import os
import threading
import urllib.error
import urllib.request
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import tomllib

from lulc_plugin import bundled
from lulc_plugin.errors import LulcError

from ..toml_tables import read

_TABLE = Path(__file__).with_name("weights.toml")
_HUB = "https://huggingface.co"
#: Seconds after which a hub is taken for missing.
PATIENCE = 4.5


@dataclass(frozen=True)
class Published:
    """Weights of an encoder that somebody published.

    Attributes:
        encoder: of segmentation_models_pytorch, which they are of.
        hub: OWNER/NAME/FILE.
        bands: common names of the channels of its first filters, in order.
        licence, credit: for the description of a network that begins with them.
    """

    encoder: str
    hub: str
    bands: tuple[str, ...]
    licence: str
    credit: str


@lru_cache(maxsize=1)
def published() -> dict[str, Published]:
    """Name → published weights."""
    table = tomllib.loads(_TABLE.read_text(encoding="utf-8"))
    return {name: read(Published, entry, f"{_TABLE.name}: {name}") for name, entry in table.items()}


def is_name(text: str) -> bool:
    """Whether a recipe's `pretrained` is a name, not a file."""
    return text in published() or text in bundled.model_names()


def weights_folder() -> Path:
    """Where files of weights are sought and may be put."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return Path(os.environ.get("LULC_WEIGHTS") or cache / "landcover_classifier" / "weights")


def named_file(name: str) -> Path:
    """The file of weights with a name, downloaded where it is nowhere on this machine.

    Raises:
        LulcError: it cannot be had.
    """
    if name in bundled.model_names():
        return bundled.folder("models") / f"{name}.onnx"
    return hub_file(published()[name].hub, name)


def hub_file(place: str, wanted: str) -> Path:
    """The file OWNER/NAME/FILE of the hub, from the folder of weights, the hub's cache, or the hub.

    Raises:
        LulcError: it is nowhere; `wanted` is what the user called it.
    """
    owner, name, file = place.split("/", 2)
    put = weights_folder() / Path(file).name
    if put.is_file():
        return put
    from huggingface_hub import hf_hub_download, try_to_load_from_cache

    kept = try_to_load_from_cache(f"{owner}/{name}", file)
    if isinstance(kept, str):
        return Path(kept)
    require_hub(wanted, f"Download {_HUB}/{owner}/{name}/resolve/main/{file} elsewhere and put it there: {put}")
    try:
        return Path(hf_hub_download(f"{owner}/{name}", file))
    # the hub's client raises errors of several packages; all mean that the file is not to be had
    except Exception as error:
        reason = (str(error).strip() or repr(error)).splitlines()[0]
        raise LulcError(f"“{wanted}” could not be downloaded: {reason}", f"Put the file there: {put}") from error


def require_hub(wanted: str, remedy: str) -> None:
    """Nothing, if the hub answers within five seconds; its own client would try for a minute.

    Raises:
        LulcError: it does not.
    """
    answered: list[Any] = []

    def knock() -> None:
        try:
            with urllib.request.urlopen(urllib.request.Request(_HUB, method="HEAD"), timeout=PATIENCE - 0.5):
                answered.append(True)
        except urllib.error.HTTPError:
            answered.append(True)
        except (OSError, ValueError):
            return

    # a thread of its own: looking up a name has no time limit
    thread = threading.Thread(target=knock, daemon=True)
    thread.start()
    thread.join(PATIENCE)
    if not answered:
        raise LulcError(f"“{wanted}” is not on this machine, and the hub {_HUB} does not answer.", remedy)


def places_of(known: Sequence[str], wanted: Sequence[str]) -> dict[int, int]:
    """Channel of the weights → channel of the network with the same name."""
    return {known.index(name): at for at, name in enumerate(wanted) if name in known}
