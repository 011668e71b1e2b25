# SPDX-License-Identifier: GPL-3.0-or-later
"""The check of a layer: all findings, which networks fit, as lines, JSON and page."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from affine import Affine

from lulc_plugin import bundled
from lulc_plugin.classify import ClassifyJob, check_layer, make_plan
from lulc_plugin.cli import main
from lulc_plugin.findings import ERROR, PASS, TITLES, WARNING
from lulc_plugin.options import option
from lulc_plugin.raster import RasterInput
from lulc_plugin.report.check_page import check_json, layer_page

with_network = pytest.mark.skipif(not bundled.model_names(), reason="no network is bundled yet")


def test_check_of_a_layer(raster, network, land, seen):
    layer = raster("a.tif", land()[[2, 1, 0, 3]], names=None)
    net = network("pixel", band_statistics=seen)
    check = check_layer(ClassifyJob(RasterInput(layer), model_file=net.path))
    lines = [text for _, text in check.lines()]
    assert check.model == net.spec.name
    assert check.count(ERROR) == 1 and check.count(WARNING) == 1
    assert any(line.startswith("FAIL  Order of bands:") for line in lines)
    assert any(line.startswith("PASS  Bands of one value:") for line in lines)
    assert json.loads(check_json(check))["findings"][0]["title"] == check.findings[0].title
    assert not list(Path(layer).parent.glob("nothing*"))


@with_network
@pytest.mark.parametrize("broken", ["nodata", "extent"])
def test_no_network_is_said_to_fit_a_layer_that_cannot_be_classified(raster, broken, land):
    values = np.full((4, 90, 90), 7, np.uint16) if broken == "nodata" else land()
    extent = (0, 0, 30, 30) if broken == "extent" else None
    check = check_layer(ClassifyJob(RasterInput(raster("a.tif", values, nodata=7)), extent=extent))
    assert check.count(ERROR)
    assert not any(m.fits for m in check.models)
    assert "no network can help before that is mended" in check.choice
    assert not any("FITS" in line for _, line in check.lines())


@with_network
def test_check_ends_in_the_network_that_fits_and_why_others_do_not(raster, land):
    check = check_layer(ClassifyJob(RasterInput(raster("a.tif", land()))))
    first, *rest = [m.name for m in check.models if m.word == "FITS"]
    assert first == check.model and len(rest) > 1
    assert check.choice == f"{first} fits this layer; so do {', '.join(rest)}."
    assert [text for _, text in check.lines()][-1] == check.choice


def square(size):
    """A layer's place, with pixels of `size` metres."""
    return {"transform": Affine(size, 0, 500_000, 0, -size, 9_120_000)}


@pytest.fixture
def check_of(tmp_path, monkeypatch, raster, network, land):
    """`check_of(size, name=range, …)`: a layer with pixels of `size` metres, checked with networks for these ranges."""
    monkeypatch.setattr(bundled, "folder", lambda _: tmp_path / "bundled")
    (tmp_path / "bundled").mkdir()

    def check(size, resample="auto", **ranges):
        for name, reach in ranges.items():
            net = network("pixel", name=name, gsd_range=reach)
        folder = str(Path(net.path).parent)
        return check_layer(
            ClassifyJob(RasterInput(raster("a.tif", land(), **square(size))), resample=resample, models_folder=folder)
        )

    return check


def test_a_network_for_pixels_of_another_size_does_not_just_fit(check_of):
    check = check_of(10, air=(1, 4), good=(10, 30), far=(200, 500))
    assert [(m.name, m.word, m.fits) for m in check.models] == [
        ("good", "FITS", True), ("air", "RESAMPLED", True), ("far", "NO", False)
    ]  # fmt: skip
    assert check.choice == "good fits this layer."
    (line,) = [text for _, text in check.lines() if text.startswith("RESAMPLED  air: ")]
    assert "made for pixels of 1 to 4 m, and those of the layer have 10 m: they are resampled to 4 m" in line
    told = {m["name"]: m for m in json.loads(check_json(check))["models"]}
    assert {name: (m["word"], m["pixels"], m["fits"]) for name, m in told.items()} == {
        "good": ("FITS", "inside", True), "air": ("RESAMPLED", "resampled", True), "far": ("NO", "", False)
    }  # fmt: skip
    page = layer_page(check)
    for level, word in (("pass", "yes"), ("warning", "resampled"), ("error", "no")):
        assert f'<td role="cell" class="level {level}">{word}</td>' in page


def test_where_nothing_else_fits_the_resampled_one_is_named_as_such(check_of):
    check = check_of(5, air=(1, 4), far=(200, 500))
    assert check.model == "air" and check.choice == "air fits this layer only with resampling."
    check = check_of(5, air=(1, 4), also=(3, 4.5))
    assert check.choice == "air fits this layer only with resampling; so does also."


@pytest.mark.parametrize(("size", "reach"), [(10, (1, 4)), (10, (16, 30))])
@pytest.mark.parametrize("resample", ["auto", "never"])
def test_pixels_that_are_far_off_are_the_users_own_choice(check_of, size, reach, resample):
    check = check_of(size, resample, air=reach)
    (failed,) = [f for f in check.findings if f.level == ERROR]
    assert failed.id == "model.choice" and check.model == ""
    assert " times off" in failed.text and option("model", "air") in failed.remedy
    assert option("model", "air") in check.choice and check.models[0].fits


def test_pixels_that_are_taken_as_they_are_are_told_apart_too(check_of):
    check = check_of(10, "never", air=(1, 4), good=(10, 30))
    assert [(m.name, m.word) for m in check.models] == [("good", "FITS"), ("air", "OUTSIDE")]
    assert "they are taken as they are" in check.models[1].reason and check.choice == "good fits this layer."


def test_where_nothing_else_fits_pixels_as_they_are_are_named_as_such(check_of):
    check = check_of(5, "never", air=(1, 4), also=(3, 4.5))
    assert check.choice == "air fits this layer only with pixels of a size that it was not made for; so does also."


def test_the_bands_of_a_layer_are_told_once(check_of, raster, network, land):
    net = network("pixel", name="a")
    network("pixel", name="b")
    layer = raster("a.tif", np.concatenate([land(), land()[:2]]), names=None)
    check = check_layer(ClassifyJob(RasterInput(layer), models_folder=str(Path(net.path).parent)))
    lines = [text for _, text in check.lines()]
    assert len([line for line in lines if "6 (unnamed)" in line]) == 1
    assert lines[0].startswith("FAIL  Model and bands: None of the networks at hand fits this layer.")
    assert lines[0].count("6 (unnamed)") == lines[0].count(option("bands", (3, 2, 1, 4))) == 1
    assert "NO  b: wants red, green, blue, nir; none of them could be recognised." in lines


@with_network
def test_check_of_a_layer_that_fits_no_network_still_tells_about_the_layer(raster):
    layer = raster("a.tif", np.full((2, 50, 60), 3, np.uint8), names=("slope", "aspect"), nodata=3)
    check = check_layer(ClassifyJob(RasterInput(layer)))
    by_title = {f.title: f for f in check.findings}
    assert by_title["Model and bands"].level == ERROR
    assert by_title["Pixels without data"].level == ERROR
    assert by_title["Coordinate system"].level == PASS
    assert check.choice.startswith("None of the networks")
    assert all(m.reason for m in check.models)
    assert "cannot be classified" in check.verdict


def test_page_escapes_what_users_wrote(raster, network, land):
    layer = raster("a.tif", land(), names=("<script>alert(1)</script>", "green", "blue", "nir"))
    page = layer_page(
        check_layer(ClassifyJob(RasterInput(layer, bands=(1, 2, 3, 4)), model_file=network("pixel").path))
    )
    assert "<script" not in page and "&lt;script&gt;" in page
    assert "Content-Security-Policy" in page


def test_check_at_a_shell(raster, tmp_path, capsys, land):
    layer = raster("a.tif", land(), names=None)
    page = tmp_path / "check.html"
    assert main(["check", layer, "--html", str(page)]) == 0
    out = capsys.readouterr().out
    assert "WARN  Bands:" in out and "PASS  " in out
    assert page.read_text(encoding="utf-8").startswith("<!DOCTYPE html>")
    assert main(["check", layer, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["layer"] == "a.tif"
    assert main(["check", str(tmp_path / "none.tif")]) == 1
    assert "Traceback" not in capsys.readouterr().err


def test_control_flow_does_not_read_a_title(raster, monkeypatch, land):
    """A check in another language finds the same."""
    empty = raster("a.tif", np.full((2, 50, 60), 3, np.uint8), names=("slope", "aspect"), nodata=3)
    plain = ClassifyJob(RasterInput(empty))
    outside = ClassifyJob(RasterInput(raster("b.tif", land())), extent=(0, 0, 30, 30))
    told = [check_layer(job) for job in (plain, outside)]
    monkeypatch.setattr("lulc_plugin.findings.TITLES", dict.fromkeys(TITLES, "Titel"))
    for job, before in zip((plain, outside), told):
        after = check_layer(job)
        assert {f.title for f in after.findings} == {"Titel"}
        assert [replace(f, title="") for f in after.findings] == [replace(f, title="") for f in before.findings]
        assert (after.blocked, after.choice, after.models) == (before.blocked, before.choice, before.models)


@with_network
def test_a_true_colour_picture_of_10_m_is_no_aerial_picture(raster, land):
    """`auto` gave it to the network for 1 to 4 m, which called farmland building."""
    values = np.clip(land()[:3] // 12, 1, 255).astype(np.uint8)
    layer = raster("a.tif", values, names=("red", "green", "blue"), **square(10))
    (failed,) = [f for f in check_layer(ClassifyJob(RasterInput(layer))).findings if f.level == ERROR]
    assert "10 m, 2.5 times off" in failed.text
    assert "near infrared" in failed.remedy and "⟦trainfrompoints!⟧" in failed.remedy
    assert "aerial" not in failed.remedy  # it knows one city, and not at this pixel size
    unnamed = raster("b.tif", values, names=None, photometric="minisblack", **square(10))
    for job in (RasterInput(unnamed), RasterInput(unnamed, bands=(1, 2, 3))):
        (failed,) = [f for f in check_layer(ClassifyJob(job)).findings if f.level == ERROR]
        assert "need near infrared (nir):" in failed.remedy
    with make_plan(ClassifyJob(RasterInput(layer), model="aerial-rgb-1to4m-mobileunet-v1")) as plan:
        assert not plan.errors
