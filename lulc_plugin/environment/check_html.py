# SPDX-License-Identifier: GPL-3.0-or-later
"""The report as one HTML file. Standard library only: Jinja2 may be what is missing."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from itertools import groupby
from pathlib import Path

from ..atomic_write import write_whole
from ..errors import LulcError
from .check_findings import LEVELS, Finding, count, verdict

#: Style sheets of the other reports, as plain files.
_STYLES = Path(__file__).resolve().parents[1] / "report" / "templates"
_OWN = """
td.level { font-weight: 700; white-space: nowrap; }
.ok { color: #0b5c50; } .warn { color: #8f4113; } .fail { color: #a3160f; }
.remedy { display: block; margin-top: .25rem; font-weight: 600; }
table { width: 100%; table-layout: fixed; }
thead th:first-child { width: 14rem; }
thead th:nth-child(2) { width: 3.5rem; }
tbody th, td.t { max-width: none; overflow-wrap: anywhere; }
.summary { margin-top: 1.4rem; }
"""
_FOOT = "OK: in order. WARN: works, with a drawback. FAIL: something cannot be done. Nothing was sent anywhere."
_OWN_DARK = ".ok { color: #7fd0c2; } .warn { color: #f0a36b; } .fail { color: #ff9c92; }"


def write_page(output: Path, findings: Sequence[Finding], date: str) -> None:
    """Write the report to `output`, whole or not at all.

    Raises:
        LulcError: it cannot be written.
    """
    try:
        write_whole(output, page(findings, date).encode("utf-8"))
    except OSError as error:
        raise LulcError(
            f"The report {output} cannot be written: {error.strerror or error}.",
            "Close it elsewhere, or choose another place.",
        ) from error


def page(findings: Sequence[Finding], date: str) -> str:
    """The text of the HTML file; `date` says when the checks were made."""
    figures = "".join(
        f'<div class="figure"><div class="name">{level}</div><div class="value">{count(findings, level)}</div></div>'
        for level in LEVELS
    )
    tables = "\n".join(_table(group, tuple(members)) for group, members in groupby(findings, lambda f: f.group))
    return f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>Check of the installation</title>
<style>
{_style("report.css")}{_OWN}
@media (prefers-color-scheme: dark) {{
{_style("dark.css")}{_OWN_DARK}
}}
@media print {{
{_style("print.css")}.ok, .warn, .fail {{ color: #000000; }}
}}
</style>
</head>
<body>
<header>
<p class="kind">Land Cover Classifier</p>
<h1>Check of the installation</h1>
<p class="design">{_text(verdict(findings))}</p>
<dl class="about"><div><dt>Checked on</dt><dd>{_text(date)}</dd></div></dl>
</header>
<main>
<section class="summary"><div class="figures">{figures}</div></section>
{tables}
</main>
<footer><p>{_text(_FOOT)}</p></footer>
</body>
</html>
"""


def _table(group: str, findings: Sequence[Finding]) -> str:
    rows = "\n".join(
        f'<tr><th scope="row">{_text(f.title)}</th><td class="level {f.level.lower()}">{f.level}</td>'
        f'<td class="t">{_text(f.detail)}{_remedy(f)}</td></tr>'
        for f in findings
    )
    name = _text(group)
    return f"""<section><div class="part"><div class="scroll" tabindex="0" role="region" aria-label="{name}">
<table>
<caption><div><strong>{name}</strong></div></caption>
<thead><tr><th scope="col">Check</th><th scope="col">Result</th><th scope="col">Found</th></tr></thead>
<tbody>
{rows}
</tbody>
</table>
</div></div></section>"""


def _remedy(finding: Finding) -> str:
    return f'<span class="remedy">{_text(finding.remedy)}</span>' if finding.remedy else ""


def _style(name: str) -> str:
    """A style sheet; without it the page is plain, and as readable."""
    try:
        return (_STYLES / name).read_text(encoding="utf-8")
    except OSError:
        return ""


def _text(text: str) -> str:
    plain = "".join("\ufffd" if "\ud800" <= c <= "\udfff" else " " if c < " " and c != "\n" else c for c in text)
    return escape(plain)
