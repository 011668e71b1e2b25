# SPDX-License-Identifier: GPL-3.0-or-later
"""Model files that mean harm: refused with a reason, before they take memory or time, and never hiding the others.

The files are made by `tests/faults/hostile_models.py`; the long form of this trial is `make test-faults`.
"""

import importlib.util
import json
import os
import subprocess
import sys
from contextlib import nullcontext
from importlib.metadata import version
from pathlib import Path

import numpy as np
import pytest

from lulc_plugin.errors import LulcError
from lulc_plugin.legend import Legend, LegendClass
from lulc_plugin.model import Catalogue, Network, catalogue, describe_network, import_model, mlm
from lulc_plugin.model.describe.user_text import classes_of_file, read_scaling
from lulc_plugin.model.mlm import json_values
from lulc_plugin.model.runtime import graph_file
from lulc_plugin.raster import Step, steps_from_json

FAULTS = Path(__file__).resolve().parents[2] / "faults"
_SPEC = importlib.util.spec_from_file_location("hostile_models", FAULTS / "hostile_models.py")
hostile_models = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(hostile_models)

#: what the list of models says of each file, with the number that is wrong
IN_THE_LIST = {
    "deepness_with_a_billion_channels": "1,073,741,824 bands; 1 to 512",
    "deepness_with_a_billion_classes": "1,073,741,824 classes; at most 4,096",
    "batch_of_a_hundred_thousand": "100,000 windows at once; 1 to 256",
    "described_with_a_batch_of_a_hundred_thousand": "100,000 windows at once; 1 to 256",
    "windows_of_a_million": "size 1048576",
    "many_bands_in_large_windows": "4096 × 4096 pixels with 512 channels",
    "a_graph_that_grows_inside": "fails on a random window",
    "sparse_weights_of_eight_gigabytes": "sparse weights",
    "a_sparse_constant_of_eight_gigabytes": "sparse weights",
    "sparse_weights_within_a_branch": "sparse weights",
    "sparse_weights_within_a_function": "sparse weights",
    "sparse_weights_behind_a_field_of_an_old_form": "outdated form",
    "nested_six_hundred_deep": "deeper than 64 levels",
    "nested_a_hundred_thousand_deep": "deeper than 64 levels",
    "a_standard_deviation_of_almost_nothing": "divides by 9.99989e-321",
    "a_window_of_all_memory": "16384 × 16384 pixels with 512 channels",
    "a_value_of_a_hundred_kilobytes": "not a whole number",
    "a_colour_of_a_hundred_kilobytes": "not of the form #RRGGBB",
    "a_name_of_a_hundred_kilobytes_in_the_graph": "cannot be loaded",
    "a_name_with_its_direction_turned": "U+202E at place 6",
    "a_pixel_size_of_nothing": "'gsd' is 0",
    "a_number_of_five_thousand_digits": "cannot be used|not valid JSON",
    "numbers_beyond_all_floats": "stddev is inf",
    "text_that_is_no_utf8": "cannot be read",
    "half_of_a_character": "not valid JSON",
    "class_names_nested_deep": "not a name for each index",
    "class_names_numbered_with_thousands_of_digits": "",
    "an_empty_file": "cannot be loaded",
    "a_folder": "does not exist",
}
#: what a run says where the list has nothing against the file
IN_A_RUN = {
    "good": "",
    "returns_no_window": "returned 0 windows for 1",
    "returns_twice_the_windows": "returned 2 windows for 1",
    "scores_beyond_float32": "beyond 1e+30",
    "scores_at_the_end_of_float32": "beyond 1e+30",
    "thirty_megabytes_of_empty_fields": "more than 200,000 parts",
    "not_a_network_at_all": "cannot be loaded",
}


@pytest.fixture(scope="module")
def tried(tmp_path_factory):
    """What was said of all hostile files and a good one in one folder, in a process whose memory ends."""
    folder = tmp_path_factory.mktemp("hostile")
    hostile_models.main(folder)
    hostile_models.write(folder / "good.onnx", hostile_models.network(), hostile_models.description())
    place = Path(__file__).resolve().parents[3]
    command = [sys.executable, str(FAULTS / "try_models.py"), str(folder)]
    environment = {**os.environ, "PYTHONPATH": str(place)}
    done = subprocess.run(command, env=environment, cwd=place, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    assert done.stderr == ""  # nothing of onnxruntime's in the user's terminal
    return json.loads(done.stdout.splitlines()[-1])


def test_every_hostile_file_is_expected_here():
    assert {*IN_THE_LIST, *IN_A_RUN} == {*hostile_models.MAKERS, "good"}


@pytest.mark.parametrize("name", hostile_models.MAKERS)
def test_hostile_files_are_refused_with_a_reason(tried, name):
    where, expected = ("list", IN_THE_LIST) if name in IN_THE_LIST else ("run", IN_A_RUN)
    said = tried["answers"][where][name]
    assert any(words in said for words in expected[name].split("|"))
    assert 0 < len(said) < 1500


def test_a_good_network_among_them_is_listed_and_runs(tried):
    assert tried["answers"]["run"]["good"] == tried["answers"]["describe"]["good"] == ""


def test_describing_them_is_answered_too(tried):
    described = tried["answers"]["describe"]
    assert set(described) == {*hostile_models.MAKERS, "good"}
    assert all(len(said) < 1500 for said in described.values())
    for name in ("batch_of_a_hundred_thousand", "returns_no_window", "sparse_weights_of_eight_gigabytes"):
        assert described[name]


def test_they_take_neither_memory_nor_time(tried):
    assert tried["megabytes"] < 1500
    assert tried["seconds"] < 20


RUN = """
import re, sys
from pathlib import Path
import numpy as np
from lulc_plugin.model import Network, catalogue
entry = catalogue.load(Path(sys.argv[1]))
with Network(entry.path, entry.spec, threads=1) as network:
    network.probabilities(np.ones((1, 3, 64, 64), np.float32))
# not `ru_maxrss`, which begins with that of the process of the tests
print(int(re.search(r"VmHWM:\\s+(\\d+) kB", Path("/proc/self/status").read_text())[1]) >> 10)
"""


@pytest.mark.skipif(tuple(map(int, version("onnxruntime").split(".")[:2])) < (1, 27), reason="has no such limit")
def test_loading_computes_no_constants_of_gigabytes(tmp_path, python):
    hostile_models.constants_of_gigabytes(tmp_path / "net.onnx")
    done = python("-c", RUN, str(tmp_path / "net.onnx"))
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) < 500


@pytest.mark.parametrize("error", [KeyError("x"), RecursionError("deep"), MemoryError(), UnicodeError("?"), OSError(5)])
def test_whatever_reading_raises_breaks_one_entry_only(tmp_path, monkeypatch, error):
    for name in ("bad", "good"):
        hostile_models.write(tmp_path / f"{name}.onnx", hostile_models.network(), hostile_models.description())
    true_read = mlm.read

    def read(path):
        if path.stem == "bad":
            raise error
        return true_read(path)

    monkeypatch.setattr(catalogue.mlm, "read", read)
    models = Catalogue(tmp_path)
    assert [entry.path.stem for entry in models.entries if entry.path.parent == tmp_path] == ["good"]
    assert [(b.path.stem, "cannot be read" in b.error.problem) for b in models.broken] == [("bad", True)]
    with pytest.raises(LulcError, match="cannot be read"):
        models.by_name("bad")


# ---------------------------------------------------------------- texts


def test_a_byte_order_mark_is_no_error(tmp_path):
    path = tmp_path / "net.onnx"
    hostile_models.write(path, hostile_models.network(), hostile_models.description())
    sidecar = path.with_suffix(".json")
    sidecar.write_bytes(b"\xef\xbb\xbf" + sidecar.read_bytes())
    assert catalogue.load(path).spec.name == "hostile"
    sidecar.rename(tmp_path / "net.onnx.json")
    assert catalogue.load(path).spec.name == "hostile"
    legend = tmp_path / "legend.json"
    legend.write_bytes(b"\xef\xbb\xbf" + json.dumps(Legend.of([LegendClass(1, "a", "#000000")]).to_json()).encode())
    assert Legend.from_file(legend).names == ("a",)


@pytest.mark.skipif(not Path("/dev/zero").exists(), reason="there is no file without an end")
def test_files_without_an_end(tmp_path):
    for read in (Legend.from_file, classes_of_file, mlm.read):
        with pytest.raises(LulcError):
            read(Path("/dev/zero"))


@pytest.mark.parametrize("character", "\x1b\x07\x85\u202e\u2066\u200b\u2028\ufeff\U000e0041")
def test_what_cannot_be_seen_reaches_no_label(character):
    assert LegendClass(1, f"wa{character}ter", "#0000FF").name == "wa\ufffdter"
    assert json_values.text(f"a{character}", "a title") == json_values.short_text(f"a{character}") == "a\ufffd"
    data = hostile_models.description()
    data["mlm:output"][0]["classification:classes"][0]["name"] = f"wa{character}ter"
    assert mlm.from_text(json.dumps(data), "x.json").legend.names[0] == "wa\ufffdter"
    data["mlm:name"] = f"a{character}"
    with pytest.raises(LulcError, match=rf"U\+{ord(character):04X}"):
        mlm.from_text(json.dumps(data), "x.json")


def test_labels_have_one_line_and_scripts_keep_their_joiners():
    assert LegendClass(1, "water\nand\rland", "#0000FF").name == "water and land"
    assert LegendClass(1, "می\u200cخواهم", "#0000FF").name == "می\u200cخواهم"


def test_a_file_name_that_turns_its_direction(tmp_path):
    path = tmp_path / "map\u202exnno.safe.onnx"
    hostile_models.write(path, hostile_models.network(), hostile_models.description())
    with pytest.raises(LulcError, match="cannot be seen"):
        catalogue.load(path)


def test_metadata_that_are_no_text(tmp_path):
    path = tmp_path / "net.onnx"
    model = hostile_models.network(metadata={"names": "HERE"}).SerializeToString()
    hostile_models.write(path, model.replace(b"HERE", b"\xff\xfe\xfd\xfc"))
    for read in (catalogue.load, lambda p: describe_network(p, "red,green,blue", (LegendClass(1, "a", "#000000"),))):
        with pytest.raises(LulcError, match="not text in UTF-8"):
            read(path)
    model = hostile_models.network(name="HERE").SerializeToString()
    hostile_models.write(path, model.replace(b"HERE", b"\xff\xfe\xfd\xfc"), hostile_models.description())
    with pytest.raises(LulcError, match="not text in UTF-8|cannot be loaded"):
        Network(path, catalogue.load(path).spec, threads=1)


# ---------------------------------------------------------------- numbers


@pytest.mark.parametrize("digits", ["9" * 5000, "-" + "9" * 400, "1" + "0" * 20])
def test_whole_numbers_beyond_64_bits_are_floats(digits):
    tree = json_values.load(f'{{"a": {digits}, "b": 1234567890123456789}}')
    assert isinstance(tree["a"], float)
    assert tree["b"] == 1234567890123456789
    data = hostile_models.description(**{"lulc:accuracy": [{"dataset": "x", "confusion": [["HERE"]]}]})
    with pytest.raises(LulcError, match="wrong kind") if len(digits) > 400 else nullcontext():
        mlm.from_text(json.dumps(data).replace('"HERE"', digits), "x.json")


@pytest.mark.parametrize(
    "step",
    [
        {"op": "z-score", "mean": 0, "stddev": 1e-320},
        {"op": "z-score", "mean": 1e20, "stddev": 1e-20},
        {"op": "scale", "value": 1e-320},
        {"op": "scale", "value": -1e300},
        {"op": "min-max", "minimum": 0, "maximum": 1e-310},
        {"op": "min-max", "minimum": -1.7e308, "maximum": 1.7e308},
    ],
)
def test_divisors_that_leave_nothing_of_a_number(step):
    with pytest.raises(LulcError, match="divides by|subtracts"):
        steps_from_json(step)


def test_usual_divisors_stay():
    assert Step.of("z-score", mean=1e4, stddev=1e-6)["stddev"] == 1e-6
    with pytest.raises(LulcError, match="deeper than 64"):
        read_scaling("[" * 600 + "]" * 600, 3)


def test_an_answer_of_another_batch_is_refused_in_a_description(tmp_path):
    path = tmp_path / "net.onnx"
    hostile_models.MAKERS["returns_twice_the_windows"](path)
    with pytest.raises(LulcError, match="2 × 2 × 64 × 64"):
        describe_network(path, "red,green,blue", (LegendClass(1, "a", "#000000"), LegendClass(2, "b", "#000001")))


def test_scores_of_a_double_within_float32_stay(tmp_path):
    from lulc_plugin.model.runtime.network import probabilities_of

    spec = mlm.from_text(json.dumps(hostile_models.description()), "x.json")
    scores = np.zeros((1, 2, 64, 64), np.float64)
    scores[:, 1] = 1e29
    assert (probabilities_of(scores, spec, (64, 64)).argmax(axis=1) == 1).all()
    scores[:, 1] = 1e39
    with pytest.raises(LulcError, match=r"1e\+39"):
        probabilities_of(scores, spec, (64, 64))


def test_only_so_many_parts_of_a_file_are_looked_at(tmp_path):
    path = tmp_path / "net.onnx"
    path.write_bytes(b"\x10\x01" * (graph_file._MOST_FIELDS + 1))
    assert "parts" in graph_file.read(path).hazard
    path.write_bytes(b"\x10\x01" * 1000)
    assert graph_file.read(path).hazard == ""


# ---------------------------------------------------------------- importing


@pytest.mark.parametrize("name", ["con", "NUL", "com1", "lpt9.v2", "aux.onnx", "COM²", "prn ", "water."])
def test_names_that_windows_does_not_know(tmp_path, name):
    path = tmp_path / f"{name}.onnx"
    hostile_models.write(path, hostile_models.network(), hostile_models.description())
    with pytest.raises(LulcError, match="Windows"):
        import_model(path, tmp_path / "models")


def test_names_that_only_begin_like_them(tmp_path):
    path = tmp_path / "console-v1.onnx"
    hostile_models.write(path, hostile_models.network(), hostile_models.description())
    assert import_model(path, tmp_path / "models").path.name == "console-v1.onnx"


def test_a_card_behind_a_link_is_not_copied(tmp_path):
    private = tmp_path / "private.txt"
    private.write_text("a secret")
    path = tmp_path / "net.onnx"
    hostile_models.write(path, hostile_models.network(), hostile_models.description())
    path.with_suffix(".md").symlink_to(private)
    import_model(path, tmp_path / "models")
    assert sorted(p.name for p in (tmp_path / "models").iterdir()) == ["net.json", "net.onnx"]
