# SPDX-License-Identifier: GPL-3.0-or-later
"""A message names an option once; every door shows the name that it has there, and text of a user stays as it is."""

import ast
import dataclasses
import doctest
import inspect
from pathlib import Path

import pytest

import lulc_plugin
from lulc_plugin import options
from lulc_plugin.errors import LulcError
from lulc_plugin.options import (
    COMMANDS,
    OPTIONS,
    PYTHON,
    QGIS,
    RESTART,
    SHELL,
    command,
    option,
    render,
    render_all,
)
from lulc_plugin.progress import Progress

ENGINE = Path(lulc_plugin.__file__).parent
DOORS = (QGIS, SHELL, PYTHON)


def test_examples():
    assert doctest.testmod(options).failed == 0


@pytest.mark.parametrize(
    "text, qgis, shell, python",
    [
        (option("bands"), "Bands", "--bands", "bands"),
        (option("bands", "3,2,1,4"), "'BANDS=3;2;1;4'", "--bands 3,2,1,4", "bands=(3, 2, 1, 4)"),
        (option("bands", (3, 2)), "'BANDS=3;2'", "--bands 3,2", "bands=(3, 2)"),
        (option("design", "simple"), "DESIGN=simple", "--design simple", "design=simple"),
        (option("strata"), "Strata", "--strata", "strata"),
        (option("size"), "Number of points", "size", "size"),
        (option("features"), "Reference points or polygons", "REFERENCE", "features"),
        (f"then {RESTART}.", "then restart QGIS.", "then run the command again.", "then start Python again."),
        (command("describemodel"), "Describe model", "lulc:describemodel of QGIS", "describe_network"),
    ],
)
def test_every_door_has_its_words(text, qgis, shell, python):
    assert [render(text, door) for door in DOORS] == [qgis, shell, python]


@pytest.mark.parametrize(
    "text",
    ["⟦nothing⟧", "⟦nothing=1⟧", "⟦describemodel⟧", "⟦bands!⟧", "⟦restart⟧", "⟦", "⟦⟧", "⟦BANDS⟧", "⟦ bands⟧", "a⟧ ⟦b"],
)
def test_marks_that_name_nothing_stay_as_they_are(text):
    """They are part of a file's or a class's name."""
    assert [render(text, door) for door in DOORS] == [text] * 3


def test_a_value_cannot_close_its_mark():
    assert render(option("scaling", "1⟧ ⟦bands⟧"), QGIS) == "SCALING=1] [bands]"
    assert render(option("scaling", "<b>"), QGIS) == "SCALING=<b>"  # escaping is the page's business


def test_only_options_that_exist_can_be_named():
    for wrong in ("BANDS", "nothing", ""):
        with pytest.raises(KeyError):
            option(wrong)
        with pytest.raises(KeyError):
            command(wrong)


def test_texts_within_values():
    facts = {"⟦bands⟧": [option("bands"), 1.5, None, {"a": (option("design", "simple"),)}]}
    assert render_all(facts, SHELL) == {"⟦bands⟧": ["--bands", 1.5, None, {"a": ("--design simple",)}]}


def test_errors():
    error = LulcError("It is wrong.", f"Set {option('bands')}.")
    assert str(error) == "It is wrong. Set bands."
    assert error.shown_at(SHELL) == "It is wrong. Set --bands."
    assert f"{LulcError(error.message).shown_at(QGIS)}" == "It is wrong. Set Bands."


def test_lines_of_a_run():
    class AtAShell(Progress):
        door = SHELL
        lines: list[str] = []

        def _show_log(self, text):
            self.lines.append(text)

        _show_warning = _show_log

    progress = AtAShell()
    for say in (progress.log, progress.warn, progress.conclude):
        say(option("bands"))
    assert progress.lines == ["--bands"] * 3


# ---------------------------------------------------------------- the table and the doors


def commands():
    """Command → what argparse knows of its options, by the names a person writes."""
    from lulc_plugin.cli import parser

    subparsers = next(a for a in parser()._actions if hasattr(a, "choices") and a.choices)
    return {
        name: {text for action in of._actions for text in (action.option_strings or [action.metavar])}
        for name, of in subparsers.choices.items()
    }


def test_options_exist_at_the_shell():
    known = set().union(*commands().values())
    # of `the column map_b of --class-table` the last word is the option
    assert sorted(o.shell for o in OPTIONS.values() if o.shell and o.shell.split()[-1] not in known) == []


def test_options_exist_in_python():
    from lulc_plugin.adapt import AdaptJob, SuggestJob
    from lulc_plugin.assess import AssessJob, Options, Outputs, SampleJob
    from lulc_plugin.classify import ClassifyJob, Instead
    from lulc_plugin.environment import install_missing
    from lulc_plugin.model import describe_network
    from lulc_plugin.raster import RasterInput
    from lulc_plugin.scenes import StackJob

    known = {
        f.name
        for job in (
            RasterInput,
            ClassifyJob,
            Instead,
            AdaptJob,
            SuggestJob,
            StackJob,
            AssessJob,
            Options,
            Outputs,
            SampleJob,
        )
        for f in dataclasses.fields(job)
    }
    for function in (describe_network, install_missing):
        known |= set(inspect.signature(function).parameters)
    known |= {"field", "stratum_field"}  # of `read_features` and `read_points`
    assert sorted(set(OPTIONS) - known) == []


#: Rooms whose messages no command at a shell shows.
ONLY_IN_QGIS = ("model/describe", "environment/install", "assess/sample")


def named():
    """(file, id) of every option that a message of the engine names."""
    for path in ENGINE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "option":
                if isinstance(node.args[0], ast.Constant):
                    yield path.relative_to(ENGINE).as_posix(), node.args[0].value


def test_options_in_messages_exist_at_every_door_that_shows_them():
    wrong = []
    for place, name in named():
        if place.startswith(("options", "cli")):
            continue
        if name not in OPTIONS:
            wrong.append(f"{place}: {name}")
        elif not OPTIONS[name].shell and not place.startswith(ONLY_IN_QGIS):
            wrong.append(f"{place}: no command has {name}")
    assert not wrong, "\n".join(wrong)


def test_commands_are_known_at_every_door():
    assert all(set(words) == set(DOORS) for words in COMMANDS.values())
    from lulc_plugin import environment, model

    functions = {words[PYTHON] for words in COMMANDS.values() if words[PYTHON].isidentifier()}
    assert all(hasattr(model, name) or hasattr(environment, name) for name in functions)
