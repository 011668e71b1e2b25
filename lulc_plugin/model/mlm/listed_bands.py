# SPDX-License-Identifier: GPL-3.0-or-later
"""The bands that an MLM description tells of, wherever a version of STAC puts them.

STAC 1.1 has `bands`, earlier versions `eo:bands` and `raster:bands`, each at the item or at an asset; what they say
about one band is put together by its name.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ...errors import LulcError
from ..spec import ModelBand
from . import json_values

MOST_BANDS = 512
_LISTS = ("bands", "eo:bands", "raster:bands")
_MOST_ASSETS = 100
#: micrometres: ultraviolet to thermal infrared, and radar; what lies between are nanometres gone astray
_WAVELENGTHS = ((0.1, 100.0), (3000.0, 1e7))


def listed_bands(item: Mapping[str, Any], properties: Mapping[str, Any]) -> tuple[ModelBand, ...]:
    """All bands that are described, in the order of the first list that names them.

    Raises:
        LulcError: a list is none, or an entry of it makes no sense.
    """
    merged: dict[str, dict[str, Any]] = {}
    for place in (properties, *assets_of(item)):
        for key in _LISTS:
            for entry in json_values.entries(place, key, MOST_BANDS, required=False):
                name = json_values.text(entry.get("name"), "the name of a band")
                known = merged.setdefault(name, {})
                for field, value in entry.items():
                    if value is not None:
                        # the first list wins; `scale` and `offset` lost their prefix only inside raster:bands
                        prefix = "raster:" if key == "raster:bands" and field in ("scale", "offset") else ""
                        known.setdefault(prefix + field, value)
    if len(merged) > MOST_BANDS:
        raise LulcError(f"It describes {len(merged)} bands; at most {MOST_BANDS} make sense.")
    return tuple(_band(data) for data in merged.values())


def unnamed_bands(count: int) -> tuple[ModelBand, ...]:
    """Bands of a network of which only their number and order are known."""
    return tuple(ModelBand(f"channel_{i}", description=f"Channel {i}") for i in range(1, count + 1))


def assets_of(item: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The item's assets, those that are the model first."""
    assets = item.get("assets")
    if not isinstance(assets, Mapping):
        return []
    found = [a for a in list(assets.values())[:_MOST_ASSETS] if isinstance(a, Mapping)]

    def is_other(asset: Mapping[str, Any]) -> bool:
        roles = asset.get("roles")
        return not isinstance(roles, list) or "mlm:model" not in roles

    return sorted(found, key=is_other)


def _band(data: Mapping[str, Any]) -> ModelBand:
    def either(field: str) -> Any:
        return data.get(f"eo:{field}", data.get(field))

    name = json_values.text(data.get("name"), "the name of a band")
    return ModelBand(
        name=name,
        common_name=json_values.optional_text(either("common_name") or None, "common_name"),
        wavelength=_wavelength(either("center_wavelength"), name),
        width=_width(either("full_width_half_max"), name),
        description=str(data.get("description") or "")[:1000],
        scale=json_values.number(data.get("raster:scale"), "raster:scale"),
        offset=json_values.number(data.get("raster:offset"), "raster:offset"),
        data_type=json_values.optional_text(data.get("data_type"), "data_type"),
    )


def _wavelength(value: Any, name: str) -> float | None:
    centre = json_values.number(value, "center_wavelength")
    if centre is not None and not any(low <= centre <= high for low, high in _WAVELENGTHS):
        raise LulcError(
            f"'eo:center_wavelength' of band {name[:50]!r} is {centre:g} micrometres, which no sensor sees.",
            "Correct it in the description, in micrometres (0.49 for 490 nm), or leave it out.",
        )
    return centre


def _width(value: Any, name: str) -> float | None:
    width = json_values.number(value, "full_width_half_max")
    if width is not None and not 0 <= width <= _WAVELENGTHS[-1][1]:
        raise LulcError(
            f"'eo:full_width_half_max' of band {name[:50]!r} is {width:g} micrometres, no width of a band.",
            "Correct it in the description, in micrometres, or leave it out.",
        )
    return width
