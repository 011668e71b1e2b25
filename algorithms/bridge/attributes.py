# SPDX-License-Identifier: GPL-3.0-or-later
"""The fields of a reference layer that are used, and their values, with None for QGIS's NULL."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from qgis.core import QgsFeature, QgsFields
from qgis.PyQt.QtCore import QVariant

from ...lulc_plugin.assess import Label, ReferenceFeature
from ...lulc_plugin.errors import LulcError
from .translation import tr

#: Fields that Draw a reference sample writes, besides the stratum itself.
SAMPLE_FIELDS = ("stratum_px", "stratum_ha", "weighting")


@dataclass(frozen=True)
class Columns:
    """Positions of the fields that matter, -1 for those that the layer lacks."""

    label: int
    stratum: int
    identity: int
    stratum_px: int
    stratum_ha: int
    weighting: int
    names: Mapping[int, str]

    @staticmethod
    def of(fields: QgsFields, field: str, stratum_field: str, sizes: bool) -> Columns:
        """Those of a layer with the class in `field`; `sizes`: whether its stratum sizes count."""
        pixels, hectares, weighting = (fields.lookupField(name) if sizes else -1 for name in SAMPLE_FIELDS)
        return Columns(
            fields.lookupField(field),
            fields.lookupField(stratum_field) if stratum_field else -1,
            fields.lookupField("id"),
            pixels,
            hectares,
            weighting,
            dict(enumerate(fields.names())),
        )

    def wanted(self) -> list[int]:
        """Those that have to be read."""
        columns = (self.label, self.stratum, self.identity, self.stratum_px, self.stratum_ha, self.weighting)
        return sorted({column for column in columns if column >= 0})

    def feature(self, feature: QgsFeature, shape: Mapping[str, Any]) -> ReferenceFeature:
        """`feature` as the engine knows it, at the place `shape`.

        Raises:
            LulcError: a value of another kind than numbers and texts.
        """
        values = feature.attributes()
        identity = plain(values[self.identity]) if self.identity >= 0 else None
        return ReferenceFeature(
            geometry=shape,
            label=self._label(values, self.label),
            id=str(feature.id() if identity is None else identity),
            stratum=self._label(values, self.stratum),
            stratum_px=self._number(values, self.stratum_px),
            stratum_ha=self._number(values, self.stratum_ha),
            weighting=str(self._label(values, self.weighting) or ""),
        )

    def _label(self, values: list[Any], column: int) -> Label:
        value = plain(values[column]) if column >= 0 else None
        if value is None or (isinstance(value, float) and math.isnan(value)):
            return None
        if isinstance(value, bool):
            return int(value)
        if isinstance(value, str):
            return value if value.strip() else None
        if isinstance(value, (int, float)):
            return value
        raise LulcError(
            tr('The field "{field}" holds {kind}; a class is a number or a text.').format(
                field=self.names[column], kind=type(value).__name__
            )
        )

    def _number(self, values: list[Any], column: int) -> float | None:
        value = self._label(values, column)
        if value is None:
            return None
        try:
            return float(value)
        except ValueError as error:
            raise LulcError(
                tr('The field "{field}" holds {value!r}, which is not a number.').format(
                    field=self.names[column], value=value
                )
            ) from error


def plain(value: Any) -> Any:
    """`value` with None for NULL."""
    return None if isinstance(value, QVariant) and value.isNull() else value
