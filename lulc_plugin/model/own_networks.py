# SPDX-License-Identifier: GPL-3.0-or-later
"""Importing a network into the user's own model folder.

Weights never change under a name, so that a map can be explained years later: a file is imported once, and other
weights need another name.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from .. import bundled, provenance
from ..errors import LulcError, ModelUnusable
from ..legend import visible_text
from ..options import command
from ..temporary_folder import temporary_folder
from .catalogue import Entry, load, own_files, sidecar_of
from .foreign_files import require_onnx
from .runtime import LARGEST_FILE, Network, onnx_file

_LONGEST_NAME = 150
#: what Windows takes for a device, with any ending, also in the three superscript digits
_RESERVED = frozenset(
    (
        "CON",
        "PRN",
        "AUX",
        "NUL",
        "CONIN$",
        "CONOUT$",
        *(f"{port}{n}" for port in ("COM", "LPT") for n in "0123456789¹²³"),
    )
)
_LARGEST_CARD = 400_000
_SHOWN = 3


def import_model(network: Path, folder: Path) -> Entry:
    """Copy a network and its description into `folder` (made if need be), after checking that they fit together.

    The same weights may come again, with another description. Both files appear whole or not at all.

    Args:
        network: an `.onnx` file with a description beside it or inside it.
        folder: the user's model folder.

    Returns:
        the network in the folder.

    Raises:
        LulcError: not usable, the name is taken by other weights, or the folder cannot be written to.
    """
    require_onnx(network)
    check_name(network.stem)
    entry = load(network)
    size = network.stat().st_size
    if size > LARGEST_FILE:
        raise LulcError(
            f"{network.name} has {size:,} bytes; an .onnx file cannot have more than {LARGEST_FILE:,}.",
            "Export a smaller network.",
        )
    digest = provenance.file_digest(network)
    if entry.spec.sha256 and entry.spec.sha256 != digest:
        raise ModelUnusable(
            f"The weights of {network.name} are not those its description was written for: the digest is"
            f" {digest[:17]}…, the description says {entry.spec.sha256[:17]}….",
            f"Get both files again, or describe the network anew with {command('describemodel')}.",
        )
    _check_single(network)
    Network(network, entry.spec, threads=1).close()  # compares the graph with the description
    target = folder / network.name
    _check_free(network.stem, entry.spec.name, digest, folder)
    if os.path.exists(target) and target.samefile(network):
        return entry
    try:
        folder.mkdir(parents=True, exist_ok=True)
        room = shutil.disk_usage(folder).free
        if room < 2 * size:
            raise LulcError(f"{folder} has {room:,} bytes free; {network.name} needs {size:,}.", "Make room there.")
        _copy(network, sidecar_of(network), target)
    except OSError as error:
        raise LulcError(
            f"{network.name} cannot be copied to {folder}: {error.strerror or error}.",
            "Choose another model folder, or set its permissions.",
        ) from error
    return load(target)


def _check_single(network: Path) -> None:
    """Refuse a network whose weights are in further files: a copy of it would be without them."""
    further = [visible_text(file.name) for file in onnx_file.weights_files(network)]
    if further:
        more = f" and {len(further) - _SHOWN} more" if len(further) > _SHOWN else ""
        raise ModelUnusable(
            f"{network.name} cannot be used away from its folder: beside it are its weights, in"
            f" {', '.join(further[:_SHOWN])}{more}.",
            'Export it to a single .onnx file, with the weights inside, or join them: python -c "import onnx;'
            f" onnx.save(onnx.load('{network.name}'), 'one.onnx')\". Where it lies it can be used as a model file.",
        )


def check_name(name: str) -> None:
    """Refuse a name that a model cannot have on every system.

    Raises:
        LulcError: with what is wrong.
    """
    if len(name) > _LONGEST_NAME or name.startswith(".") or not name.isprintable() or set(name) & set('\\/:*?"<>|;,'):
        raise LulcError(
            f"{name[:200]!r} cannot be the name of a model.",
            f'Rename the file: at most {_LONGEST_NAME} characters, none of \\ / : * ? " < > | ; ,',
        )
    if name.partition(".")[0].strip().upper() in _RESERVED or name != name.rstrip(" ."):
        raise LulcError(
            f"{name[:200]!r} cannot be the name of a model: Windows knows no such files.",
            "Rename the file: not con, prn, aux, nul, com1 … com9 or lpt1 … lpt9, and no dot or blank at the end.",
        )
    if name == "auto":
        raise LulcError("'auto' cannot be the name of a model; it means the best one that fits.", "Rename the file.")


def _check_free(name: str, own_name: str, digest: str, folder: Path) -> None:
    """Refuse a name that other weights have, as a file or inside a description."""
    remedy = f"Weights never change under a name: rename it to {_next_version(name)}, also inside its description."
    if name in bundled.model_names() and digest != provenance.file_digest(bundled.folder("models") / f"{name}.onnx"):
        raise LulcError(f"A network called {name!r} comes with this program, with other weights.", remedy)
    for path in own_files(folder):
        same = path.stem.casefold() == name.casefold()
        if same and provenance.file_digest(path) != digest:
            raise LulcError(f"The model folder has a network called {path.stem!r} already, with other weights.", remedy)
        try:
            entry = load(path)
        except (LulcError, OSError):
            continue
        if entry.spec.name == own_name and provenance.file_digest(entry.path) != digest:
            raise LulcError(
                f"{entry.path.name} in the model folder calls itself {own_name!r} too, with other weights.", remedy
            )


def _next_version(name: str) -> str:
    """`water-v1` → `water-v2`, `water` → `water-v2`."""
    stem, dash, number = name.rpartition("-v")
    return f"{stem}-v{int(number) + 1}" if dash and number.isdecimal() and len(number) < 6 else f"{name}-v2"


def _copy(network: Path, sidecar: Path | None, target: Path) -> None:
    """Copy both files under temporary names beside `target`, check them there, and rename them: the network last."""
    with temporary_folder(".import-", target.parent) as place:
        shutil.copyfile(network, place / target.name)
        beside = target.with_suffix(".json")
        if sidecar is not None:
            shutil.copyfile(sidecar, place / beside.name)
        # the network has to open in its new folder too: weights in a second file were not copied
        try:
            Network(place / target.name, load(place / target.name).spec, threads=1).close()
        except LulcError as error:
            raise LulcError(
                f"{network.name} cannot be used away from its folder: {error.problem}",
                "Export it to a single .onnx file, with the weights inside.",
            ) from error
        if sidecar is not None:
            os.replace(place / beside.name, beside)
        elif os.path.exists(beside):
            # the new network brings its description inside, so the old one beside it must not count
            beside.unlink()
        card = network.with_suffix(".md")
        if not os.path.islink(card) and os.path.isfile(card) and card.stat().st_size <= _LARGEST_CARD:
            # The model card. Behind a link could be any private file, and folders of models are passed on.
            shutil.copyfile(card, place / card.name)
            os.replace(place / card.name, target.with_suffix(".md"))
        os.replace(place / target.name, target)
