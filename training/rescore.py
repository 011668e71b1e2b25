# SPDX-License-Identifier: GPL-3.0-or-later
"""`python -m training.rescore NETWORK.onnx …`: released networks scored again, after their maps have changed.

The weights stay as they are; what the engine makes of them has changed: the `[smoothing]` of the recipe, chosen on
validation places. Confidence, calibration errors, scores, limits, contact sheet and card become those of the maps that
users get now. Checkpoints are not needed. Test splits are opened once with what was chosen: a network that was scored
with another smoothing is refused, one that was scored with this one is only described again.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lulc_plugin.errors import LulcError

from . import recipe as recipes
from .command_line import refusing
from .release import RESULTS, draw_sheet, other_scores, write_card, write_json

if TYPE_CHECKING:
    from lulc_plugin.model import ModelSpec

    from .maps import Mapper
    from .recipe import Recipe

CONFIGS = Path(__file__).parent / "configs"


def parser() -> argparse.ArgumentParser:
    """The command line."""
    p = argparse.ArgumentParser(prog="python -m training.rescore", description=__doc__.partition("\n\n")[2])
    p.add_argument("networks", nargs="*", type=Path, metavar="NETWORK.onnx", help="released networks")
    p.add_argument("--table", action="store_true", help="print kept scores with and without smoothing, and stop")
    p.add_argument("--configs", type=Path, default=CONFIGS, help="folder of recipes; each is found by its name")
    p.add_argument("--results", type=Path, default=RESULTS, help="folder of the scores of released networks")
    p.add_argument("--pictures", type=Path, default=Path("docs/models"), help="folder of contact sheets")
    p.add_argument("--data", type=Path, default=os.environ.get("LULC_DATA"), help="folder of the data sets")
    p.add_argument("--cache", type=Path, default=Path("runs/teachers"), help="folder of teachers' answers")
    return p


@refusing()
def main(arguments: list[str] | None = None) -> int:
    """Run the command line; the exit status."""
    options = parser().parse_args(arguments)
    if options.table:
        from .evaluate.summary import with_and_without_smoothing

        print(with_and_without_smoothing(list(other_scores(options.results, "").values())))
        return 0
    if not options.networks:
        raise LulcError("No network is named.", "python -m training.rescore models/NAME.onnx, or --table.")
    if options.data is None:
        raise LulcError("The folder of the data sets is not known.", "Name it with --data or LULC_DATA.")
    rescore([_released(path, options) for path in options.networks], options.results)
    return 0


@dataclass(frozen=True)
class Released:
    """A released network, its recipe, the scores that are kept of it, and where data and contact sheets lie."""

    path: Path
    spec: ModelSpec
    recipe: Recipe
    scores: Mapping[str, Any]
    root: Path
    cache: Path
    pictures: Path

    @property
    def mapper(self) -> Mapper:
        """The network, mapping chips as the engine does."""
        from .export import onnx_session
        from .maps import Mapper

        spec, recipe = self.spec, self.recipe
        return Mapper(onnx_session.predictor(self.path), recipe.inputs, spec.fill, spec.window, recipe.smoothing)


def _released(path: Path, options: argparse.Namespace) -> Released:
    from lulc_plugin.model import catalogue

    spec, kept = catalogue.load(path).spec, options.results / f"{path.stem}.json"
    if not kept.is_file():
        raise LulcError(f"There are no scores {kept}.", "Release the network first: python -m training.release.")
    recipe = recipe_of(path.stem, options.configs)
    inputs = recipe.inputs
    if (inputs.bands, inputs.channels, inputs.forms) != (spec.bands, spec.channels, spec.forms):
        raise LulcError(f"{path.stem} is fed otherwise than its recipe says.", "Name the recipe it was trained by.")
    scores = json.loads(kept.read_text(encoding="utf-8"))
    return Released(path, spec, recipe, scores, options.data, options.cache, options.pictures)


def recipe_of(name: str, folder: Path) -> Recipe:
    """The recipe in a folder that bears the name of a released network.

    Raises:
        LulcError: there is none.
    """
    for path in sorted(folder.glob("*.toml")):
        recipe = recipes.read(path, trained=True)
        if recipe.name == name:
            return recipe
    raise LulcError(f"{folder} has no recipe named {name!r}.", "Name the folder that has it with --configs.")


def rescore(networks: Sequence[Released], results: Path) -> None:
    """Score networks where that has not been done with the smoothing of their recipes, and describe all of them again.

    Raises:
        LulcError: a set is missing, or a network was scored with another smoothing.
    """
    from .evaluate.network_scores import compared

    networks = [_scored(one) for one in networks]
    for one in networks:
        write_json(results / f"{one.path.stem}.json", one.scores)
    for one in networks:
        others = other_scores(results, one.path.stem)
        scores = {**one.scores, "compared": {name: compared(one.scores, theirs) for name, theirs in others.items()}}
        write_json(results / f"{one.path.stem}.json", scores)
        describe(replace(one, scores=scores))


def _scored(one: Released) -> Released:
    """With scores of maps that follow the edges of their image as the recipe says; drawn anew where they are new."""
    from .evaluate.calibration import calibrate, checks, expected_error, sampled
    from .evaluate.evaluated_networks import of_recipe
    from .evaluate.network_scores import against, release_scores, require_smoothing
    from .evaluate.split_scores import matrices_of
    from .export import data_summary

    if "smoothing" in one.scores or one.recipe.smoothing is None:
        require_smoothing(one.scores, one.recipe)
        return one if "confidence" in one.scores else _with_confidence(one)
    print(one.path.stem, flush=True)
    mapper, recipe = one.mapper, one.recipe
    scores, found = release_scores(of_recipe(one.path.stem, mapper, recipe), recipe, one.root, one.cache, False, False)
    by_key = {scored.part.key: scored for scored in found}
    scores["forest"] = {
        key: against(by_key[key], matrices_of(entry["places"])) for key, entry in one.scores["forest"].items()
    }
    held_out = checks(recipe, one.root, one.cache)
    items = [sampled(name, mapper, chips) for name, chips in held_out.items()]
    further = calibrate(items)
    scores["calibration"] = {
        **one.scores["calibration"],
        "smoothed": {item.name: expected_error(item, 1.0) for item in items},
        "further_temperature": further.temperature,
        "further": further.after,
    }
    places = data_summary.place_confidence(mapper, held_out)
    scores["confidence"] = data_summary.confidence_summary(places)
    scores["checkpoint"] = one.scores.get("checkpoint", "")
    draw_sheet(recipe, one.root, one.cache, found, "test", one.pictures / f"{one.path.stem}.jpg")
    return replace(one, scores=scores)


def _with_confidence(one: Released) -> Released:
    """With the confidence on validation places, where nothing else about the maps has changed."""
    from .evaluate.calibration import checks
    from .export import data_summary

    places = data_summary.place_confidence(one.mapper, checks(one.recipe, one.root, one.cache))
    return replace(one, scores={**one.scores, "confidence": data_summary.confidence_summary(places)})


def describe(one: Released) -> None:
    """Write sidecar and card of a network anew.

    Raises:
        LulcError: they cannot be written.
    """
    from lulc_plugin.model import Confidence

    from .export import card_fields, card_table, sidecar

    spec, scores, recipe = one.spec, one.scores, one.recipe
    card = card_table.of(recipe)
    sure = scores["confidence"]
    calibration = spec.extra["lulc:calibration"]
    if "smoothed" in scores["calibration"]:
        calibration = card_fields.smoothed_calibration(calibration, scores["calibration"])
    extra = {
        **spec.extra,
        "lulc:calibration": calibration,
        "lulc:imagery": card.imagery,
        **card_fields.scored_fields(recipe, scores, spec.window.rim),
    }
    spec = replace(
        spec,
        title=card.title,
        description=card.description or card.title,
        unasked=card.auto,
        smoothing=recipe.smoothing,
        confidence=Confidence(**sure) if sure else None,
        scores=sidecar.score_entries(scores, recipe.legend, one.root),
        extra=extra,
    )
    sidecar.write(spec, one.path)
    write_card(one.path)
    print(f"{one.path.with_suffix('.json')}: described again")


if __name__ == "__main__":
    sys.exit(main())
