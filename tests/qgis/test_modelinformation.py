# SPDX-License-Identifier: GPL-3.0-or-later
"""The card of a network, by name and by file, in QGIS."""

import json
import shutil
from html.parser import HTMLParser
from pathlib import Path

import pytest
from qgis.core import QgsApplication, QgsProcessingException, QgsProcessingFeedback, QgsSettings

CARD = "lulc:modelinformation"


@pytest.fixture
def card(provider, tmp_path):
    """`card(…)` writes a card and returns its text."""
    import processing

    def run(**values):
        values.setdefault("OUTPUT_HTML", str(tmp_path / "card.html"))
        result = processing.run(CARD, values, feedback=QgsProcessingFeedback())
        return Path(result["OUTPUT_HTML"]).read_text(encoding="utf-8")

    return run


def text_of(html):
    found = []
    parser = HTMLParser()
    parser.handle_data = found.append
    parser.feed(html.split("</style>")[1])
    return " ".join(" ".join(found).split())


def test_of_a_bundled_network(card, plugin):
    name = next(n for n in plugin("lulc_plugin.bundled").model_names() if n.startswith("optical-rgbn"))
    text = text_of(card(MODEL=name))
    for words in ("10 to 30 m", "Built-up", "665", "Confusion matrix", "CC-BY-4.0", "Copernicus", f"MODEL={name}"):
        assert words in text, words


def test_the_default_is_the_network_that_auto_tries_first(provider, plugin, card):
    algorithm = QgsApplication.processingRegistry().createAlgorithmById(CARD)
    definition = algorithm.parameterDefinition("MODEL")
    names = [e.spec.name for e in plugin("lulc_plugin.model.catalogue").entries()]
    assert definition.defaultValue() == names[0]
    assert definition.options()[: len(names)] == names
    assert set(names) == set(plugin("lulc_plugin.bundled").model_names())
    assert "auto" not in definition.options()
    assert f"MODEL={names[0]}" in text_of(card())


def test_of_a_file(card, network):
    html = card(MODEL_FILE=network)
    text = text_of(html)
    assert 'Trees & "shrubs" <tall>' in text and "<tall>" not in html
    assert "MODEL_FILE=" in text and "Its makers name none" in text


def test_of_an_imported_network(card, network, tmp_path, provider):
    """Its makers' words on its limits come along."""
    import processing

    given = tmp_path / "given" / "tiny.onnx"
    given.parent.mkdir()
    shutil.copyfile(network, given)
    item = json.loads(Path(network).with_suffix(".json").read_text(encoding="utf-8"))
    item["properties"]["lulc:limits"] = ["Knows no clouds."]
    given.with_suffix(".json").write_text(json.dumps(item), encoding="utf-8")

    QgsSettings().setValue("landcover_classifier/models_folder", str(tmp_path / "own"))
    try:
        processing.run("lulc:importmodel", {"MODEL_FILE": str(given)})
        text = text_of(card(MODEL="tiny"))
    finally:
        QgsSettings().remove("landcover_classifier/models_folder")
    assert "MODEL=tiny" in text and "strongest of blue" in text and "Knows no clouds." in text


@pytest.mark.parametrize(
    "values, words",
    [
        ({"MODEL_FILE": "/nowhere/net.onnx"}, "does not exist"),
        ({"MODEL_FILE": "/nowhere/net.pth"}, "PyTorch"),
        ({"OUTPUT_HTML": "/nowhere/card.html"}, "/nowhere/card.html"),
    ],
)
def test_a_users_mistake(card, network, values, words):
    with pytest.raises(QgsProcessingException, match=words):
        card(**{"MODEL_FILE": network, **values})


@pytest.mark.parametrize("ending", [".onnx", ".json"])
def test_the_network_itself_is_not_replaced(card, network, tmp_path, ending):
    target = tmp_path / "link.html"
    target.symlink_to(Path(network).with_suffix(ending))
    before = target.read_bytes()
    with pytest.raises(QgsProcessingException, match="that this run reads"):
        card(MODEL_FILE=str(network), OUTPUT_HTML=str(target))
    assert target.read_bytes() == before


def test_a_network_without_description(card, network, tmp_path):
    shutil.copyfile(network, tmp_path / "bare.onnx")
    with pytest.raises(QgsProcessingException, match="Describe model"):
        card(MODEL_FILE=str(tmp_path / "bare.onnx"))


def test_at_a_shell(qgis_process, tmp_path, plugin):
    (name, *_) = plugin("lulc_plugin.bundled").model_names()
    output = tmp_path / "card.html"
    done = qgis_process("run", CARD, "--", f"MODEL={name}", f"OUTPUT_HTML={output}")
    assert done.returncode == 0, done.stderr
    assert "Known limits" in output.read_text(encoding="utf-8")
    done = qgis_process("run", CARD, "--", "MODEL=nobody", f"OUTPUT_HTML={output}")
    said = done.stdout + done.stderr
    assert done.returncode == 1 and "Traceback" not in said
