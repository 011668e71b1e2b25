# SPDX-License-Identifier: GPL-3.0-or-later
"""The check of a layer or of an installation as one HTML file; the check of a layer as JSON and as lines of a log.

Standard library only: an installation is checked where numpy, rasterio and Jinja2 may be missing.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..atomic_write import write_report
from ..findings import ERROR, INSTALLATION_WORDS, LEVELS, PASS, WARNING, WORDS, Finding, count
from ..options import PYTHON, render, render_all
from ..progress import Progress
from .document import plain, plain_text

if TYPE_CHECKING:
    from ..classify import LayerCheck

_STYLES = Path(__file__).resolve().parent / "templates"
_LAYER_FOOT = (
    "PASS: in order. INFO: for your information, or could not be checked. WARN: suspicious, a run goes on."
    " FAIL: a run is refused. Made by Land Cover Classifier."
)
_INSTALLATION_FOOT = (
    "OK: in order. WARN: works, with a drawback. FAIL: something cannot be done. Nothing was sent anywhere."
)


@dataclass(frozen=True)
class _Row:
    """One row of a table: what was looked at, its level, the level in words, the finding, and what to do."""

    name: str
    level: str
    word: str
    text: str
    remedy: str = ""


@dataclass(frozen=True)
class _Section:
    """A table under a heading; `columns` are the heads of name, word and text."""

    heading: str
    columns: tuple[str, str, str]
    rows: Sequence[_Row]
    lead: str = ""


# ---------------------------------------------------------------- a layer


def layer_page(check: LayerCheck, door: str = PYTHON) -> str:
    """The text of the HTML file, with options named as at `door`."""
    words, choice = WORDS, render(check.choice, door)
    networks = [
        _Row(m.name, _level_of_fit(m.fits, m.pixels), _FIT_WORDS.get(m.word, m.word.lower()), render(m.reason, door))
        for m in check.models
    ]
    return _page(
        title=f"Check of {check.layer}",
        header=_header(
            "Check of a layer",
            check.layer,
            render(check.verdict, door),
            {"Checked with": check.model or "no network", "Networks": choice},
        ),
        counts=[(words[level], count(check.findings, level)) for level in LEVELS],
        sections=(
            _Section("Findings", ("What was looked at", "Result", "Found"), _rows(check.findings, words, door)),
            _Section("Which network fits this layer", ("Network", "Fits", "Why"), networks, choice),
        ),
        foot=_LAYER_FOOT,
    )


_FIT_WORDS = {"FITS": "yes", "NO": "no"}


def _level_of_fit(fits: bool, pixels: str) -> str:
    if not fits:
        return ERROR
    return PASS if pixels == "inside" else WARNING


def write_check(output: Path, check: LayerCheck, door: str = PYTHON) -> None:
    """Write the HTML file to `output`, whole or not at all.

    Raises:
        LulcError: it cannot be written.
    """
    write_report(output, layer_page(check, door).encode("utf-8"))


def check_json(check: LayerCheck, door: str = PYTHON) -> str:
    """The check as JSON on one line, with options named as at `door`."""
    facts: dict[str, Any] = render_all(plain(check.to_json()), door)
    return json.dumps(facts, ensure_ascii=False, allow_nan=False)


def brief_json(check: LayerCheck, door: str = PYTHON) -> str:
    """What `check_json` says, without what is in order and without reasons: short enough for the end of a log."""
    facts: dict[str, Any] = render_all(plain(check.to_json()), door)
    return json.dumps(
        {
            **{key: facts[key] for key in ("layer", "model", "verdict")},
            "findings": [finding for finding in facts["findings"] if finding["level"] != PASS],
            "models": [{key: model[key] for key in ("name", "fits", "pixels")} for model in facts["models"]],
        },
        ensure_ascii=False,
        allow_nan=False,
    )


def log_check(check: LayerCheck, progress: Progress) -> None:
    """Say every line of the check: what failed or is suspicious as a warning."""
    for level, line in check.lines():
        if level in (WARNING, ERROR):
            progress.warn(line)
        else:
            progress.log(line)


# ---------------------------------------------------------------- an installation


def installation_page(
    findings: Sequence[Finding], headings: Mapping[str, str], verdict: str, date: str, door: str = PYTHON
) -> str:
    """The text of the HTML file.

    Args:
        findings: of the check, those of one topic after another.
        headings: topic → heading of its table.
        verdict: the whole check in a sentence.
        date: when it was made.
        door: where the page is read; options are named as there.
    """
    words = INSTALLATION_WORDS
    return _page(
        title="Check of the installation",
        header=_header(
            "Land Cover Classifier", "Check of the installation", render(verdict, door), {"Checked on": date}
        ),
        counts=[(words[level], count(findings, level)) for level in (PASS, WARNING, ERROR)],
        sections=[
            _Section(headings.get(topic, topic), ("Check", "Result", "Found"), _rows(members, words, door))
            for topic, members in groupby(findings, key=lambda finding: finding.topic)
        ],
        foot=_INSTALLATION_FOOT,
    )


def write_installation_page(
    output: Path,
    findings: Sequence[Finding],
    headings: Mapping[str, str],
    verdict: str,
    date: str,
    door: str = PYTHON,
) -> None:
    """Write the HTML file to `output`, whole or not at all; see `installation_page`.

    Raises:
        LulcError: it cannot be written.
    """
    write_report(output, installation_page(findings, headings, verdict, date, door).encode("utf-8"))


# ---------------------------------------------------------------- the page


def _rows(findings: Iterable[Finding], words: Mapping[str, str], door: str) -> list[_Row]:
    return [_Row(f.title, f.level, words[f.level], render(f.text, door), render(f.remedy, door)) for f in findings]


def _page(title: str, header: str, counts: Sequence[tuple[str, int]], sections: Sequence[_Section], foot: str) -> str:
    figures = "\n".join(
        f'<div class="figure"><div class="name">{word}</div><div class="value">{number}</div></div>'
        for word, number in counts
    )
    tables = "\n".join(_section(section, f"part{i}") for i, section in enumerate(sections))
    return f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>{_text(title)}</title>
<style>
{_style("report.css")}
@media (prefers-color-scheme: dark) {{
{_style("dark.css")}
}}
@media print {{
{_style("print.css")}
}}
{_style("check.css")}
</style>
</head>
<body>
<a class="skip" href="#part0">Skip to the findings</a>
{header}
<main class="checks">
<section class="summary" aria-label="Summary">
<h2>Summary</h2>
<div class="figures">
{figures}
</div>
</section>
{tables}
</main>
<footer><p>{_text(foot)}</p></footer>
</body>
</html>
"""


def _header(kind: str, name: str, verdict: str, facts: Mapping[str, str]) -> str:
    about = "\n".join(f"<div><dt>{_text(key)}</dt><dd>{_text(value)}</dd></div>" for key, value in facts.items())
    return f"""<header>
<p class="kind">{_text(kind)}</p>
<h1>{_text(name)}</h1>
<p class="design">{_text(verdict)}</p>
<dl class="about">
{about}
</dl>
</header>"""


def _section(section: _Section, anchor: str) -> str:
    heading = _text(section.heading)
    lead = f"<p>{_text(section.lead)}</p>\n" if section.lead else ""
    # the roles, because on a narrow screen the rows are no longer laid out as those of a table
    head = "".join(f'<th scope="col" role="columnheader">{_text(column)}</th>' for column in section.columns)
    rows = "\n".join(_row(row) for row in section.rows)
    return f"""<section aria-labelledby="{anchor}">
<h2 id="{anchor}">{heading}</h2>
{lead}<div class="part"><div class="scroll" tabindex="0" role="region" aria-label="{heading}">
<table role="table">
<thead role="rowgroup"><tr role="row">{head}</tr></thead>
<tbody role="rowgroup">
{rows}
</tbody>
</table>
</div></div>
</section>"""


def _row(row: _Row) -> str:
    remedy = f'<span class="remedy">{_text(row.remedy)}</span>' if row.remedy else ""
    return (
        f'<tr role="row"><th scope="row" role="rowheader">{_text(row.name)}</th>'
        f'<td role="cell" class="level {row.level}">{_text(row.word)}</td>'
        f'<td role="cell" class="t">{_text(row.text)}{remedy}</td></tr>'
    )


def _style(name: str) -> str:
    """A style sheet; without it the page is plain, and as readable."""
    try:
        return (_STYLES / name).read_text(encoding="utf-8")
    except OSError:
        return ""


def _text(text: str) -> str:
    """Text as HTML: what users wrote is escaped."""
    return escape(plain_text(text))
