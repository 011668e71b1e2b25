# SPDX-License-Identifier: GPL-3.0-or-later
"""The card of a network: all that its description says, nothing of it trusted, on one self-contained page."""

from __future__ import annotations

import html as html_lib
import json
import math
import re
import shlex
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest

from lulc_plugin import bundled, provenance
from lulc_plugin.errors import LulcError
from lulc_plugin.legend import Legend, LegendClass
from lulc_plugin.model import BandStatistics, ClassScore, Confidence, Scores, Training, TrainingSet, catalogue
from lulc_plugin.raster import Step
from lulc_plugin.report.card import (
    evaluation,
    expectations,
    fields,
    inline,
    markdown_card,
    pages,
    world_map,
    write_card,
)
from lulc_plugin.report.card.card import model_card
from lulc_plugin.report.card.pages import card_html, card_markdown
from lulc_plugin.report.document import Matrix, Table
from lulc_plugin.report.heat_colours import contrast

CHECKOUT = Path(__file__).resolve().parents[3]
WEIGHTS = CHECKOUT.parent / "shared" / "weights"
VOID = {"meta", "br", "path", "circle"}
PERCENTILES = "2 and 98 % percentile of the whole layer become 0 and 1"
NASTY = '</td><script>alert("x")</script>'


class _Outline(HTMLParser):
    """Every tag with its attributes, the text, and whether the tags nest."""

    def __init__(self):
        super().__init__()
        self.tags, self.text, self._open = [], "", []

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self._open.append(tag)

    def handle_endtag(self, tag):
        if tag not in VOID:
            assert self._open and self._open.pop() == tag, tag

    def handle_data(self, data):
        if self._open and self._open[-1] != "style":
            self.text += data

    def close(self):
        super().close()
        assert not self._open


def outline(html):
    parser = _Outline()
    parser.feed(html)
    parser.close()
    return parser


@pytest.fixture(scope="module")
def released():
    name = next(n for n in bundled.model_names() if n.startswith("optical-rgbn"))
    return catalogue.by_name(name)


@pytest.fixture(scope="module")
def page(released):
    return card_html(model_card(released.spec, released.path, released.path.stem))


@pytest.fixture
def made(network):
    """A small network and its description."""
    return catalogue.load(Path(network("pixel").path))


def html_of(spec, path, listed=""):
    return card_html(model_card(spec, path, listed))


def section(card, id):
    (found,) = [s for s in card.sections if s.id == id]
    return found


def bands_of(card):
    return next(part for part in section(card, "expects").parts if getattr(part, "id", "") == "bands")


# ---------------------------------------------------------------- the released network


def test_one_file_without_script_or_network(page):
    found = outline(page)
    assert page.startswith('<!DOCTYPE html>\n<html lang="en">')
    assert not {"script", "link", "img", "iframe", "object", "embed", "form", "base"} & {tag for tag, _ in found.tags}
    for tag, attributes in found.tags:
        assert not [a for a in attributes if a.startswith("on")], tag
        assert "src" not in attributes and attributes.get("href", "#").startswith("#")
        assert re.fullmatch(r"background-color:#[0-9A-Fa-f]{6}", attributes.get("style", "background-color:#000000"))
    style = page.split("<style>")[1].split("</style>")[0]
    assert "url(" not in style and "@import" not in style
    assert "default-src 'none'" in page


def test_structure_for_screen_readers_and_keyboards(page):
    found = outline(page)
    ids = [a["id"] for _, a in found.tags if "id" in a]
    assert len(ids) == len(set(ids))
    assert all(a["href"][1:] in ids for tag, a in found.tags if tag == "a")
    tags = [tag for tag, _ in found.tags]
    assert tags.count("h1") == 1 and tags.count("main") == 1 and tags.count("caption") == tags.count("table")
    (drawing,) = [a for tag, a in found.tags if tag == "svg"]
    assert drawing["role"] == "img" and "places, from" in drawing["aria-label"]


def test_says_what_the_issue_asks_for(page, released):
    text = outline(page).text
    spec = released.spec
    digest = provenance.file_digest(released.path)
    for words in ("10 to 30 m", "665", "Reflectance", "percentile", "CC-BY-4.0", digest, spec.name):
        assert words.lower() in text.lower(), words
    for c in spec.legend.classes:
        assert c.name in text and f"background-color:{c.colour}".lower() in page.lower()
    for training in spec.training.sets:
        assert training.name in text and training.license in text
    for words in ("What it expects", "Where it was trained", "How good it is", "Known limits", "How to use it"):
        assert f">{words}</h2>" in page
    assert "cloud or shadow" in text  # one of the limits
    assert page.count("<circle") > 40  # where three of the five sets lie
    assert "Not shown, because nobody says where the images lie: HLS" in text


def test_scores_are_those_of_the_description(released):
    spec = released.spec
    parts = section(model_card(spec, released.path), "accuracy").parts
    summary = parts[0]
    ordered = [one.scores for one in evaluation.evaluated(spec)]
    assert sorted(s.pixels for s in ordered) == sorted(s.pixels for s in spec.scores)
    rows = [row.cells for row in summary.rows if not row.label.startswith("…")]
    assert [(row[2], row[3], row[6]) for row in rows] == [(s.pixels, s.overall_accuracy, s.miou) for s in ordered]
    for scores in spec.scores:  # more decimals of the same numbers
        (same,) = [s for s in ordered if s.pixels == scores.pixels]
        assert same.overall_accuracy == pytest.approx(scores.overall_accuracy, abs=6e-5)
        assert same.miou == pytest.approx(scores.miou, abs=6e-5) and same.kappa == pytest.approx(scores.kappa, abs=6e-5)
    held_out = [one.scores for one in evaluation.evaluated(spec) if one.held_out]
    assert {s.split for s in held_out} == {"test", "evaluation"}
    matrices = [part for part in parts if isinstance(part, Matrix)]
    assert len(matrices) == len(held_out)
    for matrix, scores in zip(matrices, held_out):
        size = len(scores.confusion)
        assert [row.cells[:size] for row in matrix.rows[:size]] == [tuple(line) for line in scores.confusion]
        total = matrix.rows[size]
        assert total.cells[:size] == tuple(sum(column) for column in zip(*scores.confusion))
        assert total.cells[size] == scores.pixels
        assert matrix.rows[-1].cells[-1] == pytest.approx(scores.overall_accuracy, abs=5e-5)
        for j, entry in enumerate(scores.classes):
            users, producers = matrix.rows[j].cells[-1], matrix.rows[-1].cells[j]
            assert users == pytest.approx(entry.precision, abs=1e-4)
            assert producers is None if entry.recall is None else producers == pytest.approx(entry.recall, abs=1e-4)


def test_validation_does_not_count_as_proof(released):
    summary = evaluation.summary(evaluation.evaluated(released.spec))
    muted = [row.cells[0] for row in summary.rows if row.muted and row.cells[0]]
    assert muted and set(muted) == {"validation"}


def test_classes_of_groups_have_their_names_or_carry_their_values(released):
    (india,) = [s for s in released.spec.scores if "India" in s.dataset and s.split == "test"]
    for scores, labels in (
        (india, ["Water", "Built-up", "Trees / Shrub and grass / Cropland / Bare"]),
        (replace(india, extra={}), ["Water (1)", "Built-up (5)", "Trees (2)"]),
    ):
        card = model_card(replace(released.spec, scores=(scores,)), released.path)
        table = next(part for part in section(card, "accuracy").parts if part.id == "classes0")
        assert [row.label for row in table.rows] == labels


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_contrast(page, dark):
    style = page.split("<style>")[1].split("</style>")[0]
    own = style[style.index(".world svg") :]
    light, _, rest = own.partition("@media (prefers-color-scheme: dark) {")
    rules = rest.split("@media print")[0] if dark else light
    text = "#e6eaea" if dark else "#14181b"
    assert contrast(re.search(r"\.code pre \{[^}]*background: (#\w{6})", rules).group(1), text) >= 7
    dot = re.search(r"\.dot \{ fill: (#\w{6})", rules).group(1)
    land = re.search(r"\.land \{ fill: (#\w{6})", rules).group(1)
    assert contrast(dot, land) >= 3  # WCAG: graphics


# ---------------------------------------------------------------- texts of strangers


def nasty(spec):
    classes = (LegendClass(1, NASTY, "#112233"), LegendClass(7, "b\x07\x00 <i>c</i>", "#445566"))
    return replace(
        spec,
        name=NASTY,
        title=f"{NASTY} \ud800",
        description=NASTY,
        architecture=NASTY,
        license=NASTY,
        version=NASTY,
        created=NASTY,
        constellation=NASTY,
        providers=({"name": NASTY}, {"role": "x"}),
        bands=tuple(replace(b, name=NASTY, common_name=NASTY, description=NASTY) for b in spec.bands),
        channels=tuple(replace(c, name=NASTY) for c in spec.channels),
        forms=tuple(replace(f, description=NASTY) for f in spec.forms),
        legend=Legend.of(classes),
        training=Training((TrainingSet(NASTY, NASTY, NASTY, "javascript:alert(1)", 3, 4),), {}, NASTY),
        scores=(
            Scores(NASTY, NASTY, 4, 0.5, None, None, None, (), ()),
            Scores(NASTY, "test", 4, 0.5, 0.1, 0.2, 0.3,
                   (ClassScore(1, 1, None, 1, 1, 1), ClassScore(99, 0, 0, 0, 0, 3)), ((1, 1), (1, 1)),
                   {"names": [NASTY, NASTY], "subset": NASTY, "notes": [NASTY], "variants": [{"name": NASTY}],
                    "places": [{"name": NASTY, "mostly": NASTY}], "radiometry": [{"name": NASTY}],
                    "compared": [{"name": NASTY, "difference": 0.1}],
                    "baseline": {"name": NASTY, "iou": [0.1, 0.2], "difference": {"difference": 0.1}}}),
        ),
        warnings=(f"{NASTY}\x07",) * 100,
        extra={
            "lulc:training_places": [{"set": NASTY}, {"set": "a", "places": [[0, 0]]}],
            "lulc:limits": [NASTY, f"[{NASTY}](javascript:alert(1))"], "lulc:needs": [NASTY], "lulc:making": [NASTY],
            "lulc:other_programs": [NASTY], "lulc:imagery": NASTY, "lulc:weight_precision": NASTY,
            "lulc:evaluation": {"method": [NASTY], "baseline": [NASTY], "radiometry": [NASTY]},
            "lulc:window_border": {"images": 1, "distances": [0], "changed": {NASTY: [0.5]}, "worst": 0.1},
            "lulc:calibration": {"temperature": 2, "method": [NASTY], "expected_error_before": {NASTY: 0.1},
                                 "expected_error_after": {NASTY: 0.2}},
        },
    )  # fmt: skip


def test_texts_of_strangers_are_only_text(made):
    html = html_of(nasty(made.spec), made.path, NASTY)
    found = outline(html)
    assert "<script" not in html and "<i>" not in html and html.count("</style>") == 1
    assert not [a for _, a in found.tags if "javascript" in str(a)]
    assert found.text.count(NASTY) > 20
    html.encode("utf-8")
    assert "\x07" not in html and "\x00" not in html
    assert html.count("<li>&lt;/td&gt;") < 60  # not all of a hundred warnings


@pytest.mark.parametrize(
    "extra",
    [
        {"lulc:training_places": value}
        for value in (3, "x", [3], [{"places": 3}], [{"places": [[1], [1, 2, 3], ["a", "b"], [True, 2], [500, 0]]}])
    ]
    + [
        {"lulc:calibration": value}
        for value in (3, [], {"temperature": "hot"}, {"temperature": math.inf}, {"expected_error_before": 3},
                      {"expected_error_before": {"a": "b"}, "expected_error_after": {"a": 0.1}})
    ],
)  # fmt: skip
def test_nonsense_in_unknown_fields_is_left_out(made, extra):
    card = model_card(replace(made.spec, extra=extra), made.path)
    assert "does not say where" in section(card, "training").sentences[0]
    assert "confidence" not in [s.id for s in card.sections]
    outline(card_html(card))


def test_many_classes(made):
    """The page shows the largest; the description may have thousands."""
    classes = tuple(LegendClass(i, f"class {i}", "#112233") for i in range(1, 301))
    scored = tuple(ClassScore(i, 0.5, 0.5, 0.5, 0.5, 10) for i in range(1, 301))
    confusion = tuple(tuple(5 if i == j else 0 for j in range(300)) for i in range(300))
    scores = (Scores("d", "test", 1500, 1.0, 1.0, 1.0, 1.0, scored, confusion),)
    html = html_of(replace(made.spec, legend=Legend.of(classes), scores=scores), made.path)
    assert len(html) < 2_000_000
    assert "of 300 classes" in outline(html).text and "CSV" not in outline(html).text


# ---------------------------------------------------------------- what it says


def test_other_weights_than_described_are_told(made):
    card = model_card(replace(made.spec, sha256="-".join(["abcdef01"] * 8)), made.path)
    assert "belongs to other weights" in card.warnings[0]
    digest = provenance.file_digest(made.path)
    assert model_card(replace(made.spec, sha256=digest.replace("-", "").upper()), made.path).warnings == ()
    card = model_card(replace(made.spec, file_size=3), made.path)
    assert "3 bytes" in card.warnings[0]


def test_warnings_of_the_description(made):
    assert model_card(replace(made.spec, warnings=("careful",)), made.path).warnings == ("careful",)


def test_without_scores_limits_and_training(made):
    bare = replace(made.spec, scores=(), training=Training(), gsd=None, gsd_range=None, license="other")
    card = model_card(bare, made.path)
    assert "no scores" in section(card, "accuracy").sentences[0]
    assert "name none" in section(card, "limits").sentences[0]
    assert "does not name the training data" in " ".join(section(card, "training").sentences)
    assert ("Licence", "not said") in card.about
    assert section(card, "expects").sentences[0] == "Pixel size: not said."


def test_a_matrix_of_another_size_is_left_out(made):
    one = (ClassScore(1, 0.5, 0.5, 0.5, 0.5, 10),)
    for confusion in ((), ((1, 2), (3, 4)), ((1, 2),)):
        scores = Scores("d", "test", 10, 0.5, None, None, None, one, confusion)
        card = model_card(replace(made.spec, scores=(scores,)), made.path)
        assert not any(isinstance(part, Matrix) for part in section(card, "accuracy").parts)


@pytest.mark.parametrize(
    "gsd, gsd_range, words",
    [(10, (10 / 1.5, 15), "6.67 to 15 m"), (10, (10, 10), "10 m"), (0.25, None, "0.25 m"), (None, None, "not said")],
)
def test_pixel_size(made, gsd, gsd_range, words):
    assert expectations.pixel_size(replace(made.spec, gsd=gsd, gsd_range=gsd_range)) == words


def test_threshold_and_confidence(made):
    spec = replace(made.spec, output=replace(made.spec.output, threshold=0.4), confidence=Confidence(0.8, 0.61, 12))
    card = model_card(spec, made.path)
    assert any("below 0.4" in s for s in section(card, "classes").sentences)
    said = " ".join(section(card, "confidence").sentences)
    assert "80.0" in said and "61.0" in said and "12 places" in said


def test_band_statistics(made):
    count = len(made.spec.bands)
    spec = replace(made.spec, band_statistics=(BandStatistics(0.1, 0.05, 0.02, 0.31),) * count)
    table = bands_of(model_card(spec, made.path))
    assert "0.02 … 0.31" in table.rows[0].cells
    table = bands_of(model_card(made.spec, made.path))
    assert [c.key for c in table.columns] == ["centre", "width"]


@pytest.mark.parametrize(
    "steps, words",
    [
        ((), "as it is"),
        ((Step.of("scale", value=10000),), "divided by 10\u202f000"),
        ((Step.of("offset", value=-1), Step.of("scale", value=2)), "plus 1, then divided by 2"),
        ((Step.of("clip", minimum=0),), "not below 0"),
        ((Step.of("clip", maximum=1.2),), "not above 1.2"),
        ((Step.of("clip", minimum=-1, maximum=1),), "limited to −1 … 1"),
        ((Step.of("min-max", minimum=0, maximum=0.6),), "0 … 0.6 become 0 … 1"),
        ((Step.of("z-score", mean=0.485, stddev=0.229),), "minus 0.485, divided by 0.229"),
        ((Step.of("log1p"), Step.of("sqrt"), Step.of("sigmoid")), "ln(1 + x), then square root, then sigmoid"),
        ((Step.of("percentile", lower=2, upper=98),), f"{PERCENTILES}, cut off there"),
        ((Step.of("percentile", lower=2, upper=98, clip=0),), PERCENTILES),
        ((Step.of("moments"),), "minus the mean and divided by the standard deviation of the whole layer"),
    ],
)  # fmt: skip
def test_scaling_in_words(steps, words):
    assert expectations.steps(steps) == words


def test_how_to_call_it(made):
    card = model_card(made.spec, Path(made.path), "forest's; rm -rf *")
    codes = section(card, "use").parts
    words = shlex.split(codes[0].text)
    assert words[:4] == ["qgis_process", "run", "lulc:classifylandcover", "--"]
    assert words[5] == "MODEL=forest's; rm -rf *"
    assert shlex.split(codes[1].text)[-1] == str(made.path)
    inside = codes[2].text
    assert json.loads(inside[inside.index("{") : -1])["MODEL"] == "forest's; rm -rf *"
    by_file = section(model_card(made.spec, made.path), "use").parts
    assert f"MODEL_FILE={made.path}" in shlex.split(by_file[0].text)


# ---------------------------------------------------------------- fields that only the card reads


def test_limits(made):
    spec = replace(made.spec, extra={"lulc:limits": ["Knows no *clouds*.", 3, "", "x" * 5000, *("y",) * 100]})
    (items,) = section(model_card(spec, made.path), "limits").parts
    assert items.items[0] == "Knows no *clouds*." and items.items[1].endswith("x…")
    assert len(items.items[1]) < 2000 and len(items.items) == 38


@pytest.mark.parametrize("value", [None, 3, "one", {}, [], [[1]], [None]])
def test_without_limits(made, value):
    card = model_card(replace(made.spec, extra={"lulc:limits": value}), made.path)
    assert "name none" in section(card, "limits").sentences[0]


def test_a_card_of_the_makers_is_named_where_limits_are_missing(made, tmp_path):
    path = tmp_path / "a.onnx"
    path.write_bytes(made.path.read_bytes())
    assert len(section(model_card(made.spec, path), "limits").sentences) == 1
    path.with_suffix(".md").write_text("## Limits")
    assert "a.md" in section(model_card(made.spec, path), "limits").sentences[1]


NONSENSE = (
    None, 3, -1, 10**400, math.nan, math.inf, True, "x", [], [3], ["a"], [[]], [{}], {}, {"a": 1},
    [{"name": 3, "pixels": "x"}],
)  # fmt: skip
KEYS = (
    "names", "subset", "place_count", "mean_dice", "variants", "places", "baseline", "compared", "radiometry", "notes"
)  # fmt: skip


@pytest.mark.parametrize("key", KEYS)
def test_nonsense_beside_scores_is_left_out(made, key):
    one = ClassScore(1, 0.5, 0.5, 0.5, 0.5, 10)
    for value in NONSENSE:
        scores = Scores("d", "test", 10, 1.0, None, None, None, (one,), ((10,),), {key: value})
        card = model_card(replace(made.spec, scores=(scores,)), made.path)
        outline(card_html(card))
        assert not re.search(r"\b(inf|nan|Infinity|NaN)\b", card_markdown(card))


@pytest.mark.parametrize(
    "key",
    ["lulc:limits", "lulc:needs", "lulc:evaluation", "lulc:window_border", "lulc:making", "lulc:parity", "lulc:picture",
     "lulc:weight_precision", "lulc:other_programs", "lulc:imagery"],
)  # fmt: skip
def test_nonsense_in_fields_of_the_card_is_left_out(made, key):
    for value in NONSENSE:
        card = model_card(replace(made.spec, extra={key: value}), made.path)
        outline(card_html(card))
        assert "border" not in [s.id for s in card.sections]


def test_lists_of_a_description_are_cut(made):
    many = [{"name": f"p{i}", "overall_accuracy": 0.5, "pixels": i} for i in range(5000)]
    extra = {key: many for key in ("variants", "places", "radiometry")}
    extra["compared"] = [{"name": "n", "difference": 0.1}] * 5000
    scores = Scores("d", "test", 10, 1.0, None, None, None, (), (), extra)
    assert len(card_html(model_card(replace(made.spec, scores=(scores,)), made.path))) < 500_000


@pytest.mark.parametrize(
    "path",
    ["../docs/a.jpg", "/etc/a.png", "https://x.org/a.jpg", "a b.jpg", "a.svg", "a)](x.jpg", "a" * 400 + ".jpg", 3],
)
def test_pictures_lie_beside_the_card(made, path):
    card = model_card(replace(made.spec, extra={"lulc:picture": {"path": path, "caption": ["Chips."]}}), made.path)
    text = card_markdown(card)
    assert ("![Examples, described below](../docs/a.jpg)\n\nChips.\n" in text) == (path == "../docs/a.jpg")
    assert text.count("![") == (path == "../docs/a.jpg") and "<img" not in card_html(card)


@pytest.mark.parametrize(
    ("low", "high", "words"),
    [(None, None, "too few"), (0.01, 0.2, "this network is better"), (-0.2, -0.01, "the other is"), (-0.1, 0.1, "not")],
)
def test_verdicts_follow_the_interval(low, high, words):
    assert words in evaluation.verdict(fields.Difference("x", 0.1, low, high))


def test_numbers_are_rounded_once(made):
    """The description has 0.6505 of 0.65052; three decimals are 0.651."""
    one = ClassScore(1, 0.6505, 0.5, 0.5, 0.5, 100_000)
    two = ClassScore(2, 0.9999, 0.5, 0.5, 0.5, 100_000)
    scores = Scores("d", "test", 200_000, 0.5, None, None, None, (one, two), ((65_052, 34_948), (34_948, 65_052)))
    (read,) = evaluation.evaluated(replace(made.spec, scores=(scores,)))
    assert read.scores.classes[0].precision == 0.65052  # and what is another number stays
    assert read.scores.classes[1].precision == 0.9999 and read.scores.overall_accuracy == 0.5


# ---------------------------------------------------------------- Markdown


@pytest.mark.parametrize("name", bundled.model_names())
def test_the_card_in_the_repository_is_what_the_description_says(name):
    one = catalogue.by_name(name)
    written = one.path.with_suffix(".md").read_text(encoding="utf-8")
    assert markdown_card(one.spec, one.path) == written, "make it again from the .json: training/README.md says how"
    assert str(CHECKOUT) not in written


@pytest.mark.parametrize("name", bundled.model_names())
def test_both_cards_say_the_same(name):
    one = catalogue.by_name(name)
    card = model_card(one.spec, one.path, one.spec.name, one.spec.name)
    html, markdown = outline(card_html(card)).text, card_markdown(card)
    blank = str.maketrans("", "", "\u202f\u00a0 \n\\<>")
    squeezed_html, squeezed = html.translate(blank), markdown.translate(blank)
    for part in card.sections:
        for sentence in part.sentences:
            assert sentence.translate(blank) in squeezed and sentence.translate(blank) in squeezed_html
        for row in [row for table in part.parts if isinstance(table, Table) for row in table.rows]:
            for value in row.cells:
                if isinstance(value, int):
                    assert str(value) in squeezed and str(value) in squeezed_html


def test_markdown_of_strangers_is_only_text(made):
    text = card_markdown(model_card(nasty(made.spec), made.path, NASTY))
    assert "\x07" not in text and "\x00" not in text
    outside = re.sub(r"(?ms)^```+$.*?^```+$", "", text)
    assert not re.search(r"(?<!\\)<(?!https?://)", outside)
    for block in outside.split("\n\n"):
        if block.startswith("|"):  # as many cells in every row
            assert len({len(re.findall(r"(?<!\\)\|", line)) for line in block.splitlines()}) == 1
    parser = pytest.importorskip("markdown_it", reason="markdown-it-py is not installed")
    html = parser.MarkdownIt("commonmark", {"html": True}).enable("table").render(text)
    allowed = {"h1", "h2", "h3", "p", "strong", "ul", "li", "table", "thead", "tbody", "tr", "th", "td", "pre", "code",
               "blockquote"}  # fmt: skip
    found = outline(html)
    assert {tag for tag, _ in found.tags} <= allowed
    assert found.text.count(NASTY) > 20


@pytest.mark.parametrize(
    "text",
    ["# a", "#a", "- a", "+ a", "* a", "1. a", "12) a", "> a", "--- a", "---", "===", "| a | b |", "`a`", "``` a",
     "~~~", "[a](javascript:x)", "![a](http://x/y.png)", "[a]: x", "<b>a</b>", "<https://x", "&lt;", "&#60;",
     "*a* _b_ __c__", "a_b_c", "$a$", "~a~ ~~b~~", "a\\", "\\*a*", "    code", "a\n\n# b", "http",
     "-0.361", "80.0 %", "1.", "-"],
)  # fmt: skip
def test_escaped_text_reads_as_it_is(text):
    parser = pytest.importorskip("markdown_it", reason="markdown-it-py is not installed")
    markdown = parser.MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])
    plain = " ".join(text.split())

    def shown(written):
        return html_lib.unescape(re.sub("</?a.*?>", "", markdown.render(written)))

    assert shown(pages.escaped(text)) == f"<p>{plain}</p>\n"
    assert shown(f"- {pages.escaped(text)}") == f"<ul>\n<li>{plain}</li>\n</ul>\n"
    assert shown(pages.markdown_table(["h"], [[inline(text)]])).count(f"<td>{plain}</td>") == 1


def test_addresses_become_links_whole():
    assert inline("see https://x.org/a_b*c?d=1&e=2.") == "see <https://x.org/a_b*c?d=1&e=2>."
    assert inline("javascript:alert(1) ftp://x") == "javascript:alert(1) ftp://x"
    assert inline("https://x.org/a|b](c) <") == "<https://x.org/a>\\|b\\](c) \\<"


# ---------------------------------------------------------------- the map


def rings(path):
    return [[tuple(map(float, c.split())) for c in ring[:-1].split("L")] for ring in path.split("M")[1:]]


def on_land(lon, lat):
    """Even-odd rule over the drawn outline."""
    x, y, inside = lon + 180, world_map.NORTH - lat, False
    for ring in rings(world_map.world_map("m", "", "", ()).land):
        for (x0, y0), (x1, y1) in zip(ring, [*ring[1:], ring[0]]):
            if (y0 > y) != (y1 > y) and x < (x1 - x0) * (y - y0) / (y1 - y0) + x0:
                inside = not inside
    return inside


@pytest.mark.parametrize(
    "lon, lat",
    [(13, 52), (37, -1), (-105, 40), (-48, -16), (78, 22), (104, 35), (134, -25), (-42, 72), (47, -19), (172, -43.5),
     (139, 36.5), (-4, 40), (113, 0), (25, -30), (90, 60), (45, 24)],
)  # fmt: skip
def test_land_is_land(lon, lat):
    assert on_land(lon, lat)


@pytest.mark.parametrize(
    "lon, lat",
    [(-30, 40), (0, -20), (75, -20), (-140, 0), (160, 30), (18, 35), (34, 43.5), (51, 41), (-88, 25), (-88, 60),
     (5, 56), (90, 12), (39, 19), (-60, 35), (170, -30), (150, 50)],
)  # fmt: skip
def test_sea_is_sea(lon, lat):
    assert not on_land(lon, lat)


def test_outline_stays_on_the_map():
    drawn = world_map.world_map("m", "", "", ())
    for ring in rings(drawn.land):
        assert len(ring) >= 3
        assert all(0 <= x <= drawn.width and 0 <= y <= drawn.height for x, y in ring)


def test_dots():
    places = [(54.6, 24.31), (54.62, 24.33), (-47.9, -15.7), (0, -89), (400, 0), (-180, 84)]
    drawn = world_map.world_map("m", "t", "c", places)
    assert drawn.dots == ((0.0, 0.0), (132.1, 99.7), (234.6, 59.7))
    assert drawn.label == "World map with 3 places, from 180° W to 55° E and from 16° S to 84° N."
    assert world_map.world_map("m", "t", "c", places[:1]).label.startswith("World map with 1 place,")
    assert world_map.world_map("m", "t", "c", ()).label == "World map without places."


def test_places_of_the_description(made):
    sets = [{"set": "a", "places": [[1, 2], [3.5, -4]]}, {"set": "b", "places": []}, {"places": [["x", 1]]}]
    found = fields.training_places(replace(made.spec, extra={"lulc:training_places": sets}))
    assert found == (((1.0, 2.0), (3.5, -4.0)), ("b", "a set without a name"))


# ---------------------------------------------------------------- files


def test_writing(made, tmp_path):
    write_card(tmp_path / "card.html", made.spec, made.path)
    assert [p.name for p in tmp_path.glob("*card*")] == ["card.html"]
    with pytest.raises(LulcError, match="cannot be written"):
        write_card(tmp_path / "none" / "card.html", made.spec, made.path)


@pytest.mark.parametrize(
    "name",
    ["dynamicworld/dynamicworld_forward", "dynamicworld/dynamicworld_forward_dn",
     "third_party/two_outputs_softmax_bsx2x512x512"],
)  # fmt: skip
def test_cards_of_foreign_networks(name):
    path = WEIGHTS / f"{name}.onnx"
    if not path.is_file():
        pytest.skip(f"{path} is not there")
    entry = catalogue.load(path)
    text = outline(html_of(entry.spec, entry.path)).text
    assert entry.spec.legend.classes[0].name in text and "Pixel size" in text
