# SPDX-License-Identifier: GPL-3.0-or-later
"""`python -m training.recipe_reference`: RECIPE.md and recipe.schema.json, from the types that recipes are read into.

The page is for people, the schema for editors: one that knows TOML (VS Code with Even Better TOML, or taplo) completes
keys and underlines mistakes where a recipe's first line is `#:schema …/training/recipe.schema.json`.
"""

from __future__ import annotations

import inspect
import json
import re
from dataclasses import MISSING, dataclass, field, fields
from pathlib import Path
from typing import Any, get_type_hints

import msgspec

from lulc_plugin.model import Smoothing

from .augment.strength import Strength
from .export.card_table import CardTable
from .inputs import InputTable
from .losses.terms import TERMS
from .networks.registry import architectures
from .recipe import Check, ConsistentTable, DataPart, Optimiser, Run, Second
from .teachers.teacher_settings import TeacherSettings
from .toml_tables import Table, Words, allowed

FOLDER = Path(__file__).parent
PAGE, SCHEMA = FOLDER / "RECIPE.md", FOLDER / "recipe.schema.json"


@dataclass(frozen=True)
class NetworkTable:
    """Which network is trained, and what it begins with.

    Attributes:
        architecture: one of those below.
        encoder: empty: the architecture's usual one; else one of segmentation_models_pytorch, or timm's with `tu-`.
        options: of the architecture, below.
        pretrained: a name (a network of models/, or one of networks/weights.toml), `imagenet`, a file, or empty.
    """

    architecture: str
    encoder: str = ""
    options: Table = field(default_factory=dict)
    pretrained: str = ""


@dataclass(frozen=True)
class RecipeFile:
    """The file as a whole.

    Attributes:
        name: of the network; the run's folder is runs/NAME-sSEED.
        legend: a name from resources/legends, a JSON file, or a table with `classes`.
        base: another recipe, beside this one; keys here go before those there.
        input, network, data, run, optimiser, augment, check, second, consistent: see below.
        teachers: `[teachers.NAME]`, networks that label; `[[teachers.NAME]]` several times to average them.
        smoothing: how far maps of the finished network follow the edges of their image; training does without.
        card: words for the description and the card.
    """

    name: str
    input: InputTable
    network: NetworkTable
    data: tuple[DataPart, ...]
    legend: str | dict[str, Any]
    base: str = ""
    run: Run = field(default_factory=Run)
    optimiser: Optimiser = field(default_factory=Optimiser)
    augment: Strength = field(default_factory=Strength)
    check: tuple[Check, ...] = ()
    teachers: dict[str, TeacherSettings | tuple[TeacherSettings, ...]] = field(default_factory=dict)
    smoothing: Smoothing | None = None
    second: Second | None = None
    consistent: ConsistentTable | None = None
    card: CardTable | None = None


#: Heading → the dataclass that its keys are read into.
TABLES: dict[str, type] = {
    "The file": RecipeFile, "[input]": InputTable, "[network]": NetworkTable, "[run]": Run, "[optimiser]": Optimiser,
    "[augment]": Strength, "[[data]]": DataPart, "[[check]]": Check, "[teachers.NAME]": TeacherSettings,
    "[second]": Second, "[consistent]": ConsistentTable, "[smoothing]": Smoothing, "[card]": CardTable,
}  # fmt: skip


def words_of(kind: type) -> dict[str, str]:
    """What the docstrings of a dataclass and its bases say of each field: their sections Attributes or Args."""
    found: dict[str, str] = {}
    for one in reversed(kind.__mro__[:-1]):
        lines = (inspect.getdoc(one) or "").splitlines()
        names: list[str] = []
        for line in lines[next((i for i, s in enumerate(lines) if s in ("Attributes:", "Args:")), len(lines)) + 1 :]:
            if line and not line.startswith("    "):
                break
            begin = re.match(r"    ((?:\w+, )*\w+): (.*)", line)
            if begin:
                names = begin[1].split(", ")
                found.update(dict.fromkeys(names, begin[2]))
            elif line:
                found.update({name: f"{found[name]} {line.strip()}" for name in names})
    return found


def page() -> str:
    """RECIPE.md."""
    parts = [
        "# Keys of a recipe",
        "Made from the code by `python -m training.recipe_reference`. [The bench](README.md) shows recipes at work. The"
        " first line `#:schema PATH/training/recipe.schema.json` lets an editor of TOML complete and check them.",
    ]
    for heading, kind in TABLES.items():
        parts += [f"## {heading}", first_words(kind), _keys(kind)]
    parts.append(
        '## Terms of a loss\n\n`loss = [{ term = "dice", weight = 0.3 }]`; each has a `weight`, and its own options.'
    )
    for name, term in TERMS.items():
        rows = [
            _row(p.name, get_type_hints(term, include_extras=True)[p.name], p.default, "") for p in _options_of(term)
        ]
        parts += [f"### {name}", first_words(term), _grid(rows) if rows else "No options."]
    parts.append("## Options of the architectures\n\n`[network] options = { … }`")
    for name, one in architectures().items():
        kinds = {"": one.options} if one.encoder is None or one.encoder.options is one.options else {
            ", without an encoder": one.options, ", with an encoder": one.encoder.options}  # fmt: skip
        for suffix, kind in kinds.items():
            parts += [f"### {name}{suffix} ({one.title})", _keys(kind)]
    return "\n\n".join(parts) + "\n"


def first_words(thing: Any) -> str:
    """The first paragraphs of a docstring, up to its sections."""
    text = inspect.getdoc(thing) or ""
    return re.split(r"\n\n(?:Attributes|Args|Raises|Returns):", text)[0].replace("\n", " ").strip()


def _options_of(term: Any) -> list[inspect.Parameter]:
    return list(inspect.signature(term).parameters.values())[2:]


def _keys(kind: type) -> str:
    words, hints = words_of(kind), get_type_hints(kind, include_extras=True)
    return _grid([_row(f.name, hints[f.name], _default(f), words.get(f.name, "")) for f in fields(kind) if f.init])


def _default(member: Any) -> Any:
    return member.default_factory() if member.default_factory is not MISSING else member.default


def _row(name: str, hint: Any, default: Any, words: str) -> list[str]:
    shown = "must be there" if default in (MISSING, inspect.Parameter.empty) else _toml(default)
    return [f"`{name}`", _may_be(hint), shown, words]


def _may_be(hint: Any) -> str:
    return "a text, or a list of texts" if hint == Words else allowed(hint)


def _toml(value: Any) -> str:
    plain = json.loads(msgspec.json.encode(value, enc_hook=str))
    return "" if plain is None or isinstance(plain, dict) else f"`{json.dumps(plain, ensure_ascii=False)}`"


def _grid(rows: list[list[str]]) -> str:
    lines = ["| key | may be | default | what |", "|---|---|---|---|"]
    return "\n".join(lines + ["| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |" for row in rows])


def schema() -> dict[str, Any]:
    """The JSON schema of a recipe. No key is required: `base` may have it."""
    made = msgspec.json.schema(RecipeFile, schema_hook=lambda _: {"type": "string"})
    kinds = {kind.__name__: kind for kind in TABLES.values()}
    for name, table in made["$defs"].items():
        table.pop("required", None)
        words = words_of(kinds[name]) if name in kinds else {}
        for key, value in table.get("properties", {}).items():
            if value.get("type") == "array" and value.get("items") == {"type": "string"}:
                value["type"] = ["array", "string"]
            if key in words:
                # a reference stands alone in its schema
                table["properties"][key] = {
                    "description": words[key],
                    **({"allOf": [value]} if "$ref" in value else value),
                }
        if table.get("type") == "object" and "properties" in table:
            table["additionalProperties"] = False
    made["$defs"]["Term"] = {"anyOf": [_term_schema(name, term) for name, term in TERMS.items()]}
    made["$defs"]["NetworkTable"]["properties"]["architecture"]["enum"] = list(architectures())
    return {"$schema": "http://json-schema.org/draft-07/schema#", "title": "A recipe of the bench", **made}


def _term_schema(name: str, term: Any) -> dict[str, Any]:
    hints = get_type_hints(term, include_extras=True)
    options = {p.name: msgspec.json.schema(hints[p.name]) for p in _options_of(term) if p.name != "indices"}
    if name == "hardest_classes":
        options["classes"] = {"type": ["array", "string"], "items": {"type": "string"}}
    properties = {"term": {"const": name}, "weight": {"type": "number", "minimum": 0}, **options}
    return {"type": "object", "description": first_words(term), "properties": properties, "required": ["term"],
            "additionalProperties": False}  # fmt: skip


def main() -> None:
    """Write both files."""
    PAGE.write_text(page(), encoding="utf-8")
    SCHEMA.write_text(json.dumps(schema(), indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    print(PAGE, SCHEMA)


if __name__ == "__main__":
    main()
