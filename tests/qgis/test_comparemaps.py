# SPDX-License-Identifier: GPL-3.0-or-later
"""`lulc:comparemaps`: two maps, one reference."""

import json
from pathlib import Path

import numpy as np
import pytest
from qgis.core import (
    QgsApplication,
    QgsFeature,
    QgsGeometry,
    QgsPointXY,
    QgsProcessingException,
    QgsProcessingFeedback,
    QgsProcessingOutputHtml,
    QgsProcessingParameterDefinition,
    QgsProject,
    QgsVectorLayer,
)
from scipy.stats import binom

ALGORITHM = "lulc:comparemaps"
PARAMETERS = (
    "MAP_A MAP_B REFERENCE_FEATURES FIELD REFERENCE DESIGN BAND_A BAND_B REFERENCE_BAND CLASS_TABLE CLASS_TABLE_B"
    " CLASS_TABLE_FILE STRATUM_FIELD STRATA STRATA_BAND CONFIDENCE_LEVEL INTERVAL FPC UNKNOWN MISSING_STRATA"
    " OUTPUT_HTML OUTPUT_CSV OUTPUT_JSON"
).split()
NUMBERS = "OVERALL_ACCURACY_A OVERALL_ACCURACY_B DIFFERENCE P_VALUE KAPPA_A KAPPA_B N".split()
SIDE = 40


def truth():
    return np.broadcast_to(1 + np.arange(SIDE) // 20, (SIDE, SIDE)).astype(np.uint8)


def wrong_at(rows, columns):
    values = truth().copy()
    values[rows, columns] = 3 - values[rows, columns]
    return values


def map_a():
    return wrong_at(slice(0, 4), slice(0, 40))


def map_b():
    return wrong_at(slice(0, 12), slice(0, 40))


@pytest.fixture
def files(make_raster):
    """Paths of both maps and of the reference."""
    return [
        make_raster(name, values[None], names=None)
        for name, values in (("a.tif", map_a()), ("b.tif", map_b()), ("truth.tif", truth()))
    ]


@pytest.fixture
def points(qgis_new_project):
    """One point in every 4 × 4 pixels."""
    layer = QgsVectorLayer("Point?crs=EPSG:32723&field=class:integer", "points", "memory")
    features = []
    for row in range(1, SIDE, 4):
        for column in range(1, SIDE, 4):
            feature = QgsFeature(layer.fields())
            place = QgsPointXY(500005 + 10 * column, 7399995 - 10 * row)
            feature.setGeometry(QgsGeometry.fromPointXY(place))
            feature.setAttributes([int(truth()[row, column])])
            features.append(feature)
    layer.dataProvider().addFeatures(features)
    QgsProject.instance().addMapLayer(layer)
    return layer


@pytest.fixture
def compare(provider, tmp_path):
    import processing

    def run(**values):
        values.setdefault("OUTPUT_JSON", str(tmp_path / "comparison.json"))
        found = processing.run(ALGORITHM, values, feedback=QgsProcessingFeedback())
        return {**found, "facts": json.loads(Path(found["OUTPUT_JSON"]).read_text(encoding="utf-8"))}

    return run


def test_names_are_public(provider):
    definition = QgsApplication.processingRegistry().createAlgorithmById(ALGORITHM)
    optional = QgsProcessingParameterDefinition.Flag.FlagOptional
    parameters = definition.parameterDefinitions()
    assert [d.name() for d in parameters] == PARAMETERS
    assert [d.name() for d in definition.outputDefinitions()] == [*PARAMETERS[-3:], *NUMBERS]
    given = [d.name() for d in parameters if not d.flags() & optional and d.defaultValue() is None]
    assert given == ["MAP_A", "MAP_B"]
    assert not [d.name() for d in parameters if not d.help()]
    assert isinstance(definition.outputDefinition("OUTPUT_HTML"), QgsProcessingOutputHtml)
    page = definition.shortHelpString()
    assert "Foody 2004" in page and "McNemar" in page and "hand-picked points get no confidence intervals" in page


def test_a_raster(compare, files, tmp_path):
    html = tmp_path / "comparison.html"
    found = compare(MAP_A=files[0], MAP_B=files[1], REFERENCE=files[2], OUTPUT_HTML=str(html))
    assert (found["OVERALL_ACCURACY_A"], found["OVERALL_ACCURACY_B"]) == pytest.approx((0.9, 0.7), abs=1e-12)
    assert found["DIFFERENCE"] == pytest.approx(0.2, abs=1e-12)
    assert found["P_VALUE"] is None  # every pixel was compared: nothing is left to chance
    assert found["N"] == 1600
    right = found["facts"]["units_right"]
    assert right == {"both": 1120, "only_a": 320, "only_b": 0, "neither": 160}
    assert html.exists()


def test_points(compare, files, points):
    found = compare(MAP_A=files[0], MAP_B=files[1], REFERENCE_FEATURES=points, FIELD="class", DESIGN="simple")
    rows = np.arange(1, SIDE, 4)
    a, b = ((m()[np.ix_(rows, rows)] == truth()[np.ix_(rows, rows)]) for m in (map_a, map_b))
    only_a, only_b = int((a & ~b).sum()), int((b & ~a).sum())
    assert (only_a, only_b) == (20, 0)
    assert found["P_VALUE"] == pytest.approx(2 * binom.cdf(0, 20, 0.5))  # exact below 25 discordant units
    assert found["DIFFERENCE"] == pytest.approx(0.2)
    swapped = compare(MAP_A=files[1], MAP_B=files[0], REFERENCE_FEATURES=points, FIELD="class", DESIGN="simple")
    assert swapped["DIFFERENCE"] == pytest.approx(-0.2)
    assert swapped["KAPPA_B"] == found["KAPPA_A"]


def test_a_map_b_of_another_legend(compare, files, make_raster, tmp_path):
    """Refused without a class table; the same figures with one, in the dialog and in a file."""
    other = make_raster("other.tif", map_b()[None] * 10, names=None)
    layers = {"MAP_A": files[0], "MAP_B": other, "REFERENCE": files[2]}
    with pytest.raises(QgsProcessingException, match="No class of map B .*Class table of map B"):
        compare(**layers)
    table = tmp_path / "table.csv"
    table.write_text("map,reference,map_b\n,1,10\n,2,20\n")
    for given in ({"CLASS_TABLE_B": [10, 1, "20", 2]}, {"CLASS_TABLE_FILE": str(table)}):
        found = compare(**layers, **given)
        assert (found["OVERALL_ACCURACY_A"], found["OVERALL_ACCURACY_B"]) == pytest.approx((0.9, 0.7), abs=1e-12)
        assert found["facts"]["parameters"]["class_table_b"] == ["10 = 1", "20 = 2"]
    with pytest.raises(QgsProcessingException, match="Both CLASS_TABLE_B and CLASS_TABLE_FILE"):
        compare(**layers, CLASS_TABLE_B=[10, 1], CLASS_TABLE_FILE=str(table))


def test_mistakes(compare, files, points):
    for values, words in (
        ({"MAP_A": files[0], "MAP_B": files[1]}, "Give exactly one"),
        ({"MAP_A": files[0], "MAP_B": files[1], "REFERENCE": files[2], "BAND_B": 3}, "BAND_B: band 3 does not exist"),
        ({"MAP_A": files[0], "MAP_B": files[1], "REFERENCE_FEATURES": points}, "FIELD is empty"),
    ):
        with pytest.raises(QgsProcessingException, match=words) as error:
            compare(**values)
        assert "Traceback" not in str(error.value)


def test_at_a_shell(qgis_process, files, tmp_path):
    csv = tmp_path / "comparison.csv"
    words = (f"MAP_A={files[0]}", f"MAP_B={files[1]}", f"REFERENCE={files[2]}", f"OUTPUT_CSV={csv}")
    done = qgis_process("run", ALGORITHM, "--", *words)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "DIFFERENCE:\t0.2" in done.stdout
    assert csv.exists()
