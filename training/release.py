# SPDX-License-Identifier: GPL-3.0-or-later
"""`python -m training.release CHECKPOINT`: from a checkpoint to a bundled network with its description and card.

Calibrate on validation places → export → measure → score → describe → card. Test splits are opened here once. What was
measured is kept in the folder of the run (`release/scores.json`, `release/facts.json`) and read again if it is there:
sentences can be corrected without looking at the test again. Weights never change under a name.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lulc_plugin import provenance
from lulc_plugin.atomic_write import write_whole
from lulc_plugin.errors import LulcError

from .command_line import refusing

if TYPE_CHECKING:
    from .export.export_network import Source
    from .export.facts import Facts
    from .recipe import Recipe

#: Scores of the released networks, by name: what the next one is compared with.
RESULTS = Path(__file__).parent / "results" / "scores"


@dataclass(frozen=True)
class Places:
    """Where things lie.

    Attributes:
        target: the network; its description and card stand beside it.
        kept: folder of what was measured.
        picture: the contact sheet.
        results: folder of the scores of released networks.
    """

    target: Path
    kept: Path
    picture: Path
    results: Path

    @property
    def made(self) -> Path:
        """The network until everything about it is known."""
        return self.kept / "making" / self.target.name

    @property
    def scores(self) -> Path:
        """What was scored."""
        return self.kept / "scores.json"

    @property
    def facts(self) -> Path:
        """What was measured on the file."""
        return self.kept / "facts.json"


def parser() -> argparse.ArgumentParser:
    """The command line."""
    p = argparse.ArgumentParser(prog="python -m training.release", description=__doc__.partition("\n\n")[2])
    from .export.__main__ import add_options

    p.add_argument("checkpoint", type=Path, nargs="?", metavar="CHECKPOINT", help="best.pt of a run")
    p.add_argument("--name", help="name of the released network; the recipe's by default")
    p.add_argument("--models", type=Path, help="folder of released networks (default: models; of a rehearsal its own)")
    p.add_argument("--pictures", type=Path, help="folder of contact sheets (default: docs/models)")
    p.add_argument(
        "--rehearse",
        action="store_true",
        help="on validation places and into RUN/rehearsal, to try everything; test splits stay closed",
    )
    p.add_argument("--reproduce", type=Path, metavar="RECIPE.toml",
                   help="train a recipe; release it into RUN/reproduced, and compare its scores")  # fmt: skip
    p.add_argument("--run", type=Path, help="folder of that training; runs/NAME-sSEED by default")
    p.add_argument("--no-forest", action="store_true", help="leave out the random forests (rehearsals only)")
    p.add_argument("--speed", action="store_true", help="measure the speed again and mend description and card")
    p.add_argument("--table", action="store_true", help="print the table “which network for my imagery?” and stop")
    p.add_argument("--cards", action="store_true", help="write NAME.md of all networks in --models anew and stop")
    add_options(p)
    return p


@refusing()
def main(arguments: list[str] | None = None) -> int:
    """Run the command line; the exit status."""
    options = parser().parse_args(arguments)
    if options.table:
        from .cards import model_table

        print(model_table.table(options.models or Path("models")))
        return 0
    if options.cards:
        for path in sorted((options.models or Path("models")).glob("*.onnx")):
            write_card(path)
        return 0
    if options.reproduce is not None:
        print(reproduce(options))
        return 0
    if options.checkpoint is None:
        raise LulcError("No checkpoint is named.", "python -m training.release runs/NAME/best.pt, or --table.")
    run(options)
    return 0


def run(options: argparse.Namespace) -> None:
    """Release, or rehearse, as the command line says.

    Raises:
        LulcError: anything the user can mend.
    """
    from .export.source import open_source

    if options.no_forest and not options.rehearse:
        raise LulcError("A release is compared with the random forest.", "Leave --no-forest out, or add --rehearse.")
    source = open_source(options.checkpoint, options.data, options.cache, options.card)
    name = options.name or source.recipe.name
    kept = options.checkpoint.parent / ("rehearsal" if options.rehearse else "release")
    models = options.models or (kept if options.rehearse else Path("models"))
    pictures = options.pictures or (kept if options.rehearse else Path("docs/models"))
    places = Places(models / f"{name}.onnx", kept, pictures / f"{name}.jpg", RESULTS)
    release(source, places, rehearsal=options.rehearse, forest=not options.no_forest, again=options.speed)


def reproduce(options: argparse.Namespace) -> str:
    """Train what a recipe says, or go on with it, and release it beside the run; its scores against the released ones.

    Nothing is chosen by the test splits that are opened again, and nothing in models/ or results/ changes.

    Raises:
        LulcError: anything the user can mend.
    """
    from . import recipe as recipes
    from .export.source import open_source
    from .train import loop
    from .train.training_data import load_training_data

    recipe = recipes.read(options.reproduce)
    root = recipes.data_folder(options.data, recipe.folder)
    folder = options.run or Path("runs") / f"{recipe.name}-s{recipe.run.seed}"
    checkpoint = loop.run(recipe, load_training_data(recipe, root, options.cache), folder)
    kept = checkpoint.parent / "reproduced"
    places = Places(kept / f"{recipe.name}.onnx", kept, kept / f"{recipe.name}.jpg", kept / "results")
    rehearsal = bool(options.rehearse)
    release(open_source(checkpoint, root, options.cache, options.card), places, rehearsal, not options.no_forest)
    text = beside_released(json.loads(places.scores.read_text(encoding="utf-8")), RESULTS / f"{recipe.name}.json")
    write_whole(kept / "reproduced.md", text.encode("utf-8"))
    return text


def beside_released(scores: Mapping[str, Any], released: Path) -> str:
    """Markdown: overall accuracy and mean IoU of each set, as released and as reproduced."""
    from .evaluate.summary import grid, measures, total

    known = json.loads(released.read_text(encoding="utf-8"))["sets"] if released.is_file() else {}
    rows = []
    for key, entry in scores["sets"].items():
        now, then = measures(total(entry)), measures(total(known[key])) if key in known else {}
        cells = [(then.get(m), now[m]) for m in ("OA", "mIoU")]
        rows.append([key, *("–" if v is None else f"{v:.3f}" for pair in cells for v in pair)])
    table = grid(["set", "OA released", "OA reproduced", "mIoU released", "mIoU reproduced"], rows)
    return f"# {scores['network']}, trained anew\n\n{table}\n"


def release(source: Source, places: Places, rehearsal: bool, forest: bool = True, again: bool = False) -> None:
    """Write the network, its description, its card and its contact sheet.

    Args:
        source: the checkpoint.
        places: where to.
        rehearsal: validation places instead of test places; nothing is kept from an earlier one.
        forest: compare with random forests.
        again: measure the speed again.

    Raises:
        LulcError: other weights bear the name, or what was kept belongs to another checkpoint.
    """
    from .evaluate.network_scores import release_parts
    from .export.export_network import ExportOptions, describe_inside, export_checkpoint

    # what cannot be scored is refused before anything is measured
    release_parts(source.recipe, source.root, rehearsal)
    facts = kept_facts(places, provenance.file_digest(source.path), rehearsal)
    if facts is None:
        facts, _ = export_checkpoint(source, places.made, ExportOptions())
    elif again:
        facts = _measured_again(facts, source, places)
    scores = _scores(source, places, facts, rehearsal, forest)
    if not facts.digest:
        facts = describe_inside(facts, source.recipe, source.root, places.made, scores)
        places.target.parent.mkdir(parents=True, exist_ok=True)
        # facts first: a network without them would be taken for someone else's
        facts.save(places.facts)
        write_whole(places.target, places.made.read_bytes())
    _describe(source, places, facts, scores)
    if not rehearsal:
        write_json(places.results / f"{facts.name}.json", scores)


def kept_facts(places: Places, checkpoint: str, rehearsal: bool) -> Facts | None:
    """What an earlier release of the same checkpoint under the same name found; None: export now.

    Raises:
        LulcError: the name belongs to other weights, or the folder to another checkpoint.
    """
    from .export.facts import load

    facts = load(places.facts) if places.facts.is_file() else None
    if places.target.is_file():
        there = provenance.file_digest(places.target)
        if facts is None or there != facts.digest:
            raise LulcError(
                f"{places.target} holds other weights (sha256 {there[:17]}…) than this run released.",
                "Weights never change under a name: choose another with --name.",
            )
    if rehearsal:
        return None
    if facts is not None and facts.checkpoint != checkpoint:
        raise LulcError(
            f"{places.kept} holds the release of another checkpoint ({facts.checkpoint[:17]}…, this is"
            f" {checkpoint[:17]}…).",
            "A test split is opened once a network. Release the one that was scored, or train in another folder.",
        )
    if facts is not None and facts.name != places.target.stem:
        raise LulcError(
            f"This checkpoint was released as {facts.name}; {places.target.stem} would be the same weights.",
            f"Use --name {facts.name}.",
        )
    return facts if facts is not None and places.target.is_file() else None


def _measured_again(facts: Facts, source: Source, places: Places) -> Facts:
    from .export import onnx_session

    others, fast = onnx_session.busy(), onnx_session.speed(places.target, len(source.recipe.inputs.channels))
    print(f"{fast:.2f} Mpx/s with two threads{f'; {others}' if others else ''}")
    facts = replace(facts, speed=fast)
    facts.save(places.facts)
    return facts


def _scores(source: Source, places: Places, facts: Facts, rehearsal: bool, forest: bool) -> dict[str, Any]:
    """Kept scores, or new ones with the contact sheet."""
    from .evaluate.network_scores import compared, release_scores, require_smoothing

    if not rehearsal and places.scores.is_file():
        scores = json.loads(places.scores.read_text(encoding="utf-8"))
        if scores.get("checkpoint") != facts.checkpoint:
            raise LulcError(
                f"{places.scores} holds the scores of another checkpoint.",
                "A test split is opened once a network. Train in another folder.",
            )
        require_smoothing(scores, source.recipe)
        return scores
    from .evaluate.calibration import Calibration
    from .evaluate.evaluated_networks import of_recipe
    from .export.export_network import mapper

    recipe = source.recipe
    answers = mapper(facts, recipe, places.target if facts.digest else places.made)
    one = of_recipe(facts.name, answers, recipe)
    scores, results = release_scores(one, recipe, source.root, source.cache, rehearsal, forest)
    scores["calibration"] = Calibration(**facts.calibration).table()
    others = other_scores(places.results, facts.name)
    scores["compared"] = {name: compared(scores, theirs) for name, theirs in others.items()}
    scores["checkpoint"] = facts.checkpoint
    write_json(places.scores, scores)
    draw_sheet(recipe, source.root, source.cache, results, "val" if rehearsal else "test", places.picture)
    return scores


def other_scores(results: Path, name: str) -> dict[str, Mapping[str, Any]]:
    """Scores of the networks released before, by name; `results` is their folder."""
    files = sorted(results.glob("*.json"))
    return {f.stem: json.loads(f.read_text(encoding="utf-8")) for f in files if f.stem != name}


def draw_sheet(recipe: Recipe, root: Path, cache: Path, scored_splits: list[Any], split: str, path: Path) -> None:
    """Draw the contact sheet of a card.

    Args:
        recipe: of the network.
        root: folder of the data sets.
        cache: folder of teachers' answers.
        scored_splits: results with their maps.
        split: which of them are shown.
        path: the picture.
    """
    from .cards import contact_sheet
    from .evaluate.held_out import chips_of

    rows: list[contact_sheet.Shown] = []
    for scored in scored_splits:
        part = scored.part
        if part.split != split or part.teachers or part.description.use != "train":
            continue
        chips = chips_of(part, recipe.inputs.names, recipe.legend, recipe, root, cache)
        title = (part.description.title or part.description.name).split(" (")[0].split(",")[0]
        rows += contact_sheet.shown(chips, scored.maps, recipe.inputs.names, recipe.legend, title[:28])
    if rows:
        contact_sheet.draw(rows, recipe.legend, path)
    else:
        print("No held-out chip may be shown: the card has no picture.")


def _describe(source: Source, places: Places, facts: Facts, scores: Mapping[str, Any]) -> None:
    """Sidecar and card; the network's own file stays as it is."""
    import os

    from .export import sidecar

    picture = Path(os.path.relpath(places.picture, places.target.parent)).as_posix() if places.picture.is_file() else ""
    sidecar.write(sidecar.spec(facts, source.recipe, source.root, scores, picture), places.target)
    write_card(places.target)
    print(f"{places.target}: {facts.file_size / 1e6:.2f} MB, sha256 {facts.digest}")


def write_card(network: Path) -> None:
    """Write the card of a network beside it, `NAME.md`, from its description.

    Raises:
        LulcError: the network has no description that can be used.
    """
    from lulc_plugin.model import catalogue
    from lulc_plugin.report.card import markdown_card

    card = markdown_card(catalogue.load(network).spec, network)
    write_whole(network.with_suffix(".md"), card.encode("utf-8"))


def write_json(path: Path, table: Mapping[str, Any]) -> None:
    """Write a table as JSON, whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    write_whole(path, (json.dumps(table, indent=1, ensure_ascii=False) + "\n").encode("utf-8"))


if __name__ == "__main__":
    sys.exit(main())
