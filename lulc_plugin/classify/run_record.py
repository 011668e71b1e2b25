# SPDX-License-Identifier: GPL-3.0-or-later
"""What a map's metadata say of the run that made it: enough to know the run again, and to repeat it.

Every field of `ClassifyJob` is recorded by itself, so that a new option needs no line here. The metadata of a map are
read as a file from anywhere: types and ranges are checked, and no address in them is followed.
"""

from __future__ import annotations

import json
import math
import os
import re
import shlex
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any

from rasterio.errors import RasterioError

from .. import bundled, provenance
from ..errors import LulcError
from ..model import Network, Smoothing, catalogue, weights_files
from ..options import OPTIONS, QGIS, SHELL
from ..raster import (
    Channel,
    LayerFacts,
    NodataSetting,
    RasterInput,
    digest_of,
    gdal,
    names_network,
    not_opened,
    open_dataset,
)
from .input_scaling import describe
from .job import AUTO, DEVICES, NO_SMOOTHING, ClassifyJob
from .plan import Setup

#: Fields of a job that change no pixel.
_OF_NO_EFFECT = ("threads", "models_folder")
_LAYERS = ("layer", "statistics_from")
_LONGEST = 1_000_000
#: Stands in a map for an address, which may hold a password or a key: maps are passed on to others.
ADDRESS = "ADDRESS"
_DATE_TAGS = (
    "ACQUISITIONDATETIME",
    "ACQUISITION_DATE",
    "DATE_ACQUIRED",
    "SENSING_TIME",
    "PRODUCT_START_TIME",
    "datetime",
)
_SCENE = re.compile(r"S2[A-D]_|L[COTEM]\d\d_")
_DATE = re.compile(r"(?<!\d)((?:19[7-9]|20\d)\d)-?(0[1-9]|1[0-2])-?(0[1-9]|[12]\d|3[01])(?!\d)")
_COMMAND = "python -m lulc_plugin repeat"


# ---------------------------------------------------------------- writing


def tags_of_run(job: ClassifyJob, setup: Setup, network: Network, output: Path) -> dict[str, str]:
    """The metadata tags of a map.

    Args:
        job: what was asked for.
        setup: what was decided.
        network: the network that ran.
        output: where the map will be: files are named as they lie from there.
    """
    entry, folder = setup.entry, output.parent
    description = catalogue.sidecar_of(entry.path)
    statistics, weights = job.statistics_from, weights_files(entry.path)
    return provenance.tags(
        {
            "model": entry.spec.name,
            "model_file": entry.path.name,
            "model_sha256": provenance.file_digest(entry.path),
            **({"weights_digest": provenance.data_digest(weights)} if weights else {}),
            "description_file": "in the network" if description is None else description.name,
            **({} if description is None else {"description_sha256": provenance.file_digest(description)}),
            "input": setup.facts.name,
            **({"image_date": date} if (date := date_of_image(setup.facts)) else {}),
            "input_digest": digest_of(job.layer.path),
            **({} if statistics is None else {"statistics_digest": digest_of(statistics.path)}),
            **({"input_settings": list(setup.facts.settings)} if setup.facts.settings else {}),
            **decisions(setup),
            "parameters": {
                "model": "file" if job.model_file else job.model or AUTO,
                "nodata_policy": job.nodata_policy,
                "values": job.values,
                "extent": job.extent,
                "resample": job.resample,
                "overlap": 2 * setup.grid.rows.half,
                "window": [setup.grid.rows.window, setup.grid.cols.window],
                "statistics_from": statistics and Path(statistics.path).name,
                "smoothing": job.smoothing,
            },
            "options": _options(job, setup, network, folder),
            "device": network.device,
            "versions": provenance.versions(),
            "repeat": how_to_repeat(job, setup, Path(output.name), SHELL),
            "repeat_in_qgis": how_to_repeat(job, setup, Path(output.name), QGIS, folder),
        }
    )


def date_of_image(facts: LayerFacts) -> str:
    """When an image was taken, as YYYY-MM-DD: from its metadata, else from its name; empty where neither says it.

    Names are those of Sentinel and Landsat scenes, in which the first of two dates is that of the acquisition. The tag
    TIFFTAG_DATETIME is not looked at: it is when the file was written.
    """
    names = [name for name in (Path(facts.path).name, facts.name) if _SCENE.match(name)]
    for text in (*(facts.tags.get(key, "") for key in _DATE_TAGS), *names):
        found = _DATE.search(text)
        if found:
            return "-".join(found.groups())
    return ""


def decisions(setup: Setup) -> dict[str, Any]:
    """What was decided about a layer and a network, as far as it changes the map."""
    spec, facts = setup.spec, setup.facts
    used = [facts.bands[number - 1] for number in setup.match.numbers]
    return {
        "bands": list(setup.match.numbers),
        **({"absent_bands": list(spec.absent)} if spec.absent else {}),
        "band_types": [facts.dtypes[band.number - 1] for band in used],
        "band_scales": [[band.scale, band.offset] for band in used],
        "way_in": setup.form.name,
        "scaling": {band.label: describe(steps) for band, steps in zip(spec.bands, setup.band_steps)},
        "channel_scaling": {channel.name: _channel(channel) for channel in setup.channels},
        "pixel_size": {"layer": setup.pixels.before, "network": setup.pixels.after},
        "smoothing": _smoothing_facts(setup.smoothing),
        "windows": [setup.grid.rows.window, setup.grid.cols.window, 2 * setup.grid.rows.half],
        "classes": {str(c.value): c.name for c in spec.legend.classes},
    }


def _channel(channel: Channel) -> str:
    text = "" if channel.expression is None else channel.expression.text
    return ", ".join(filter(None, (text, describe(channel.steps))))


def _options(job: ClassifyJob, setup: Setup, network: Network, folder: Path) -> dict[str, Any]:
    """The fields of a job, with the network and the device that were taken where it left the choice."""
    path = setup.entry.path
    is_bundled = path == bundled.folder("models") / path.name and path.stem in bundled.model_names()
    device = next((name for name in DEVICES if network.device.lower().startswith(name)), job.device)
    used = replace(
        job,
        model=path.stem if is_bundled else AUTO,
        model_file=None if is_bundled else _portable(str(path), folder),
        device=job.device if job.provider else device,
    )
    out: dict[str, Any] = {}
    for field in fields(used):
        value = getattr(used, field.name)
        if field.name not in _OF_NO_EFFECT:
            out[field.name] = _layer_json(value, folder) if field.name in _LAYERS and value else value
    return out


def _layer_json(layer: RasterInput, folder: Path) -> dict[str, Any]:
    return {
        "path": _portable(layer.path, folder),
        "bands": list(layer.bands),
        "crs": layer.crs,
        "nodata": [
            {"ranges": [[_finite(end) for end in pair] for pair in setting.ranges], "of_file": setting.of_file}
            for setting in layer.nodata
        ],
    }


def _finite(number: float) -> float | None:
    """JSON has no infinity: an open end is null."""
    return number if math.isfinite(number) else None


def _portable(path: str, folder: Path) -> str:
    """A path as it lies from the map's folder, or whole where they share no folder; `ADDRESS` for an address."""
    if names_network(path):
        return ADDRESS
    if not os.path.exists(path):
        return path  # a GDAL dataset name
    whole, start = os.path.abspath(path), os.path.abspath(folder)
    try:
        common = os.path.commonpath((whole, start))
    except ValueError:  # on two drives
        return whole
    return whole if Path(common) == Path(common).parent else Path(os.path.relpath(whole, start)).as_posix()


def _smoothing_facts(smoothing: Smoothing | None) -> str | dict[str, Any]:
    """All of a smoothing; what it leaves as usual is not said."""
    if smoothing is None:
        return NO_SMOOTHING
    facts = asdict(smoothing)
    if smoothing.logarithm:
        del facts["logarithm"]
    return facts


def how_to_repeat(job: ClassifyJob, setup: Setup, output: Path, door: str, folder: Path | None = None) -> str:
    """The line that makes a map again; for `qgis_process` without what the user set in the properties of a layer.

    Args:
        job: what was asked for.
        setup: what was decided.
        output: the map.
        door: where it is read.
        folder: files are named as they lie from it, and addresses are left out; None: as the user named them.
    """
    if door != QGIS:
        return f"{_COMMAND} {shlex.quote(str(output))}"

    def shown(path: str) -> str:
        return path if folder is None else _portable(path, folder)

    path = setup.entry.path
    named = path.stem in bundled.model_names()
    values: dict[str, Any] = {f.name: getattr(job, f.name) for f in fields(job) if f.name in OPTIONS}
    values.update(
        layer=shown(job.layer.path),
        model=path.stem if named else AUTO,
        model_file=None if named else shown(str(path)),
        statistics_from=job.statistics_from and shown(job.statistics_from.path),
        extent=job.extent and _qgis_extent(job, setup),
    )
    defaults = {f.name: f.default for f in fields(job)}
    words = [f"{OPTIONS[name].parameter}={value}" for name, value in values.items() if value != defaults[name]]
    if job.layer.bands:
        words.insert(1, f"BANDS={';'.join(map(str, job.layer.bands))}")
    words.append(f"OUTPUT={output}")
    return f"qgis_process run lulc:classifylandcover -- {' '.join(map(shlex.quote, words))}"


def _qgis_extent(job: ClassifyJob, setup: Setup) -> str:
    """An extent as QGIS has it: xmin, xmax, ymin, ymax; without georeference it counts y upwards."""
    xmin, ymin, xmax, ymax = job.extent or (0.0, 0.0, 0.0, 0.0)
    if setup.facts.crs is None and setup.facts.transform.is_identity:
        ymin, ymax = -ymax, -ymin
    return f"{xmin!r},{xmax!r},{ymin!r},{ymax!r}"


# ---------------------------------------------------------------- reading


@dataclass(frozen=True)
class RunRecord:
    """What a map says of its run.

    Attributes:
        path: the map.
        tags: its metadata, without the prefix, keys in lower case.
        job: what was asked for, with the network and the device that were taken; paths as they lie from the map.
    """

    path: Path
    tags: Mapping[str, str]
    job: ClassifyJob


def read_record(path: str) -> RunRecord:
    """What the map `path` says of its run.

    Raises:
        LulcError: it cannot be opened, says nothing, or what it says cannot be read.
    """
    try:
        with gdal.environment(), open_dataset(path) as dataset:
            every = dataset.tags()
    except (RasterioError, OSError) as error:
        raise not_opened(path, error) from error
    start = provenance.PREFIX
    tags = {key[len(start) :].lower(): value for key, value in every.items() if key.startswith(start)}
    if "options" not in tags:
        older = f"; it is of an older version of this program (model {tags['model'][:100]})" if "model" in tags else ""
        raise LulcError(
            f"{path} does not say how it was made{older}.",
            "Only maps of this program keep that, and programs that save them anew may lose it.",
        )
    try:
        return RunRecord(Path(path), tags, _job_of(json.loads(tags["options"][:_LONGEST])))
    except (ValueError, TypeError, RecursionError) as error:
        raise LulcError(
            f"What {path} says of how it was made cannot be read: {str(error).rstrip('.')[:200]}."
        ) from error


def _job_of(options: Any) -> ClassifyJob:
    """The job of recorded options.

    Raises:
        ValueError: options that are none, or of another type.
        LulcError: a number out of its range.
    """
    if not isinstance(options, dict):
        raise ValueError("it is not an object")
    known = {field.name: field.default for field in fields(ClassifyJob)}
    unknown = [name for name in options if name not in known or name in _OF_NO_EFFECT]
    if unknown:
        raise ValueError(f"this version has no option {unknown[0][:50]!r}")
    values = {name: _checked(name, value, known[name]) for name, value in options.items()}
    if values.get("layer") is None:
        raise ValueError("it names no layer")
    return ClassifyJob(**values)


def _checked(name: str, value: Any, default: Any) -> Any:
    if name in _LAYERS:
        return None if value is None else _layer_of(value)
    if name == "extent":
        return None if value is None else tuple(_numbers(name, value, 4))
    if name == "model_file":
        return None if value is None else _text(name, value)
    if isinstance(default, str):
        return _text(name, value)
    if value is None and default is None:
        return None
    if isinstance(value, bool) != isinstance(default, bool) or not isinstance(value, (int, float)):
        raise ValueError(f"{name} is {str(value)[:50]!r}")
    if isinstance(value, float) and not isinstance(default, float):
        raise ValueError(f"{name} is {value}, not a whole number")
    return value


def _text(name: str, value: Any) -> str:
    if not isinstance(value, str) or "\0" in value:
        raise ValueError(f"{name} is not a text")
    return value


def _numbers(name: str, value: Any, count: int) -> list[float]:
    entries = value if isinstance(value, list) else []
    numbers = [float(n) for n in entries if isinstance(n, (int, float)) and not isinstance(n, bool)]
    if not len(numbers) == len(entries) == count or not all(map(math.isfinite, numbers)):
        raise ValueError(f"{name} is not {count} numbers")
    return numbers


def _layer_of(value: Any) -> RasterInput:
    if not isinstance(value, dict) or not isinstance(value.get("bands"), list):
        raise ValueError("a layer is not an object with bands")
    bands = value["bands"]
    if not all(isinstance(band, int) and not isinstance(band, bool) for band in bands):
        raise ValueError("its bands are not whole numbers")
    settings = value.get("nodata") or []
    return RasterInput(
        _text("a path", value.get("path")),
        bands=tuple(bands),
        crs=_text("crs", value.get("crs", "")),
        nodata=tuple(_nodata_of(setting) for setting in settings),
    )


def _nodata_of(value: Any) -> NodataSetting:
    if not isinstance(value, dict) or not isinstance(value.get("ranges"), list):
        raise ValueError("a nodata setting is not an object")
    ranges = []
    for pair in value["ranges"]:
        if not isinstance(pair, list) or len(pair) != 2:
            raise ValueError("a range of nodata is not two numbers")
        low, high = (_numbers("nodata", [0.0 if end is None else end], 1)[0] for end in pair)
        ranges.append((-math.inf if pair[0] is None else low, math.inf if pair[1] is None else high))
    return NodataSetting(tuple(ranges), bool(value.get("of_file", True)))
