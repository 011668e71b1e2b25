# SPDX-License-Identifier: GPL-3.0-or-later
"""Making a map again from its own metadata, and comparing the two pixel by pixel.

What the map was made of is found first and compared by digests. Where something is missing or has changed, all of it is
told at once and nothing is run.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path

from .. import bundled, provenance
from ..errors import LulcError
from ..model import catalogue, weights_files
from ..options import option
from ..progress import Progress
from ..raster import (
    InputFiles,
    PixelRegion,
    RasterInput,
    Source,
    digest_of,
    file_title,
    files_behind,
    names_network,
    refuse_overwriting,
)
from ..temporary_folder import temporary_folder
from .job import AUTO, ClassifyJob, ClassifyResult
from .pipeline import run
from .plan import Setup, make_plan
from .preflight import check_output
from .run_record import ADDRESS, RunRecord, decisions, read_record
from .stages import run_in_thread

_ROWS = 512
_MOST_SHOWN = 300
_LONGEST = 100_000


@dataclass(frozen=True)
class Instead:
    """What the user says of the things a map was made of; empty: as the map says.

    Attributes:
        layer: where the layer is now.
        model_file: where the network is now.
        statistics_from: where the layer of the statistics is now.
        device: where the network runs.
        provider: a provider of onnxruntime; one that a map names is never used without the user's word.
        threads: CPU threads of the network; 0: all cores.
        anyway: run although something has changed.
    """

    layer: str = ""
    model_file: str = ""
    statistics_from: str = ""
    device: str = ""
    provider: str = ""
    threads: int = 0
    anyway: bool = False


@dataclass(frozen=True)
class Repetition:
    """A map that was made again.

    Attributes:
        result: of the run.
        pixels: of the map.
        different: pixels that have another class than in the first map.
        changed: what is not as it was, one sentence each.
    """

    result: ClassifyResult
    pixels: int
    different: int
    changed: tuple[str, ...]


def repeat(
    path: str, output: str | Path | None = None, instead: Instead | None = None, progress: Progress | None = None
) -> Repetition:
    """Make the map `path` again, as its metadata say.

    Args:
        path: a map of `classify`.
        output: the new map, `.tif`; None: it is only compared, and removed.
        instead: what the user says otherwise.
        progress: gets the log.

    Raises:
        LulcError: the map does not say how it was made; something is missing or has changed; the map was changed.
        CancelledError: the user stopped.
    """
    instead, progress = instead or Instead(), progress or Progress()
    record = read_record(path)
    job, missing = _found(record, instead)
    if missing:
        raise LulcError(
            f"{path} cannot be made again. {' '.join(missing)}",
            f"Say where they are now: {option('layer')}, {option('model_file')}, {option('statistics_from')}.",
        )
    with _target(output) as target:
        check_output(job, target)
        refuse_overwriting((target,), (path,))
        read = InputFiles(layer.path for layer in (job.layer, job.statistics_from) if layer is not None)
        changed = run_in_thread("lulc-digest", lambda _: _changed(record, job), progress)
        if not changed or instead.anyway:
            plan = run_in_thread("lulc-plan", lambda relay: make_plan(job, relay), progress)
            with plan:
                setup, network = plan.ready()
                changed += _decided_otherwise(record, setup)
                if not changed or instead.anyway:
                    changed += _other_programs(record, network.device)
                    for sentence in changed:
                        progress.warn(sentence)
                    result = run(plan, target, progress, read)
                    pixels, different = run_in_thread("lulc-compare", lambda _: _compare(path, str(target)), progress)
                    if output is None:
                        progress.log("The new map was only compared, and is removed")
                    return Repetition(result, pixels, different, tuple(changed))
        raise _refusal(path, changed)


@contextmanager
def _target(output: str | Path | None) -> Iterator[Path]:
    """Where the new map is written: a place that is removed, if the user names none."""
    if output is not None:
        yield Path(output)
        return
    with temporary_folder("lulc-repeat-") as folder:
        yield folder / "map.tif"


# ---------------------------------------------------------------- what the map was made of


def _found(record: RunRecord, instead: Instead) -> tuple[ClassifyJob, list[str]]:
    """The job with all files where they are now, and a sentence on each that is not found."""
    job, tags, missing = record.job, record.tags, list[str]()
    folder = record.path.absolute().parent

    def layer_of(layer: RasterInput, said: str, what: str, digest: str) -> RasterInput:
        path = said or _located(layer.path, folder)
        if not path:
            missing.append(_not_found(what, layer.path, digest))
        return replace(layer, path=path or layer.path)

    layer = layer_of(job.layer, instead.layer, "layer", tags.get("input_digest", ""))
    statistics = job.statistics_from
    if statistics is not None:
        digest = tags.get("statistics_digest", "")
        statistics = layer_of(statistics, instead.statistics_from, "layer of the statistics", digest)
    file, model = instead.model_file, job.model
    if file:
        model = AUTO
    elif job.model_file:
        file = _located(job.model_file, folder) or _among_own(job.model_file)
        if not file:
            missing.append(_not_found("network", job.model_file, tags.get("model_sha256", "")))
    elif job.model not in bundled.model_names():
        missing.append(_not_found("network", job.model, tags.get("model_sha256", "")))
    if job.provider and not instead.provider:
        missing.append(
            f"It was made with the provider {job.provider[:200]!r}, which has to be given by you:"
            f" {option('provider')}, or {option('device')} for another."
        )
    return replace(
        job,
        layer=layer,
        model=model,
        model_file=file or None,
        statistics_from=statistics,
        device=AUTO if instead.provider else instead.device or job.device,
        provider=instead.provider,
        threads=instead.threads,
    ), missing


def _located(name: str, folder: Path) -> str:
    """A file or GDAL dataset that a map names, where it is now: as named, or beside the map; empty if not found."""
    if name == ADDRESS or names_network(name):  # no connection is opened because a file asks for it
        return ""
    with suppress(OSError):  # a name that no file can have
        for place in (folder / name, folder / Path(name.replace("\\", "/")).name):
            if os.path.exists(place):
                return str(place)
    return name if files_behind(name) else ""


def _among_own(name: str) -> str:
    """A network of that file name in the user's folder."""
    own = catalogue.default_folder()
    place = None if own is None else own / Path(name.replace("\\", "/")).name
    return str(place) if place is not None and os.path.isfile(place) else ""


def _not_found(what: str, name: str, digest: str) -> str:
    known = f" ({digest[:_MOST_SHOWN]})" if digest else ""
    named = "that was read from an address" if name == ADDRESS else file_title(name)[:200]
    return f"The {what} {named}{known} is not found."


# ---------------------------------------------------------------- what has changed


def _refusal(path: str, changed: list[str]) -> LulcError:
    return LulcError(
        f"{path} cannot be made again as it was. {' '.join(changed)}",
        f"Bring back what it was made of, or see with {option('anyway')} what comes of it now.",
    )


def _changed(record: RunRecord, job: ClassifyJob) -> list[str]:
    """What the map was made of and is another now, by digests."""
    tags, statistics = record.tags, job.statistics_from
    network = Path(job.model_file) if job.model_file else bundled.folder("models") / f"{job.model}.onnx"
    description = catalogue.sidecar_of(network)
    now = {
        "input_digest": (f"The layer {job.layer.title}", digest_of(job.layer.path)),
        "model_sha256": (f"The network {network.name}", _file_digest(network)),
        "weights_digest": (f"The weights file of {network.name}", _weights_digest(network)),
        "description_sha256": (f"The description of {network.name}", description and _file_digest(description)),
    }
    if statistics is not None:
        now["statistics_digest"] = (f"The layer {statistics.title}", digest_of(statistics.path))
    return [
        f"{what} is not the same: then {tags.get(key, 'none')[:_MOST_SHOWN]}, now {digest or 'none'}."
        for key, (what, digest) in now.items()
        if (digest or "") != tags.get(key, "")
    ]


def _weights_digest(network: Path) -> str:
    with suppress(OSError):
        files = weights_files(network)
        return provenance.data_digest(files) if files else ""
    return ""


def _file_digest(path: Path) -> str:
    with suppress(OSError):  # whoever reads it says why not
        return provenance.file_digest(path)
    return ""


def _decided_otherwise(record: RunRecord, setup: Setup) -> list[str]:
    """Decisions that are others than those of the first run, although it was made of the same."""
    now = provenance.tags(decisions(setup))
    pairs = [(name, record.tags.get(name, "none"), now.get(f"{provenance.PREFIX}{name.upper()}", "none"))
             for name in decisions(setup)]  # fmt: skip
    return [
        f"{name.replace('_', ' ').capitalize()}: then {before[:_MOST_SHOWN]}, now {after[:_MOST_SHOWN]}."
        for name, before, after in pairs
        if before != after
    ]


def _other_programs(record: RunRecord, device: str) -> list[str]:
    """What may change a few pixels, and does not keep from trying: versions, and where the network runs."""
    try:
        then = json.loads(record.tags.get("versions", "{}")[:_LONGEST])
    except (ValueError, RecursionError):
        then = None
    then = then if isinstance(then, dict) else {}
    now = provenance.versions()
    out = [
        f"{name} {str(then.get(name, 'of an unknown version'))[:50]} made it; this is {version}."
        for name, version in now.items()
        if then.get(name) != version
    ]
    before = record.tags.get("device", "")
    if before.partition(" ")[0] != device.partition(" ")[0]:
        out.append(f"The network ran on {before[:100]}; now on {device}.")
    return out


# ---------------------------------------------------------------- the two maps


def _compare(first: str, second: str) -> tuple[int, int]:
    """Pixels of two maps, and how many of them differ.

    Raises:
        LulcError: the maps have another size.
    """
    different = 0
    with Source(first) as a, Source(second) as b:
        size = a.facts.grid.shape
        if size != b.facts.grid.shape or a.facts.transform != b.facts.transform:
            raise LulcError(
                f"{first} has {size[0]} × {size[1]} pixels; made again it has {b.facts.height} × {b.facts.width}, or"
                " lies elsewhere.",
                "The map was cut, moved or resampled after it was made.",
            )
        for row in range(0, size[0], _ROWS):
            region = PixelRegion(row, min(row + _ROWS, size[0]), 0, size[1])
            different += int((a.read_stored(1, region) != b.read_stored(1, region)).sum())
    return size[0] * size[1], different
