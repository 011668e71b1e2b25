# SPDX-License-Identifier: GPL-3.0-or-later
"""The kinds of errors that a caller tells apart, each also a built-in error of its sort."""

import pytest

from lulc_plugin import errors
from lulc_plugin.assess import Options
from lulc_plugin.classify import ClassifyJob
from lulc_plugin.environment import require
from lulc_plugin.model import catalogue
from lulc_plugin.options import option
from lulc_plugin.raster import RasterInput, Source
from lulc_plugin.raster.bands import BandsNotFound

KINDS = {
    errors.FileNotRead: OSError,
    errors.FileNotWritten: OSError,
    errors.MissingCrs: ValueError,
    errors.ModelUnusable: ValueError,
    errors.OptionInvalid: ValueError,
    errors.NotInstalled: ImportError,
}


@pytest.mark.parametrize("kind, sort", KINDS.items())
def test_both_sentences_are_kept(kind, sort):
    error = kind("It is wrong.", f"Set {option('bands')}.")
    assert isinstance(error, sort) and isinstance(error, errors.LulcError)
    assert (error.problem, str(error)) == ("It is wrong.", "It is wrong. Set bands.")
    assert getattr(error, "strerror", None) is None and getattr(error, "errno", None) is None


def test_every_kind_is_here():
    kinds = {k for k in vars(errors).values() if isinstance(k, type) and issubclass(k, errors.LulcError)}
    assert kinds == {errors.LulcError, errors.CancelledError, *KINDS}
    assert issubclass(BandsNotFound, (errors.LulcError, ValueError))


@pytest.mark.parametrize(
    "kind, cause",
    [
        (errors.FileNotRead, lambda folder: Source(folder / "none.tif")),
        (errors.ModelUnusable, lambda folder: catalogue.load(folder / "net.pt")),
        (errors.OptionInvalid, lambda _: ClassifyJob(RasterInput("a.tif"), overlap=-1)),
        (errors.OptionInvalid, lambda _: Options(design="guessed")),
        (errors.NotInstalled, lambda _: require(("no_such_package",))),
    ],
)
def test_what_raises_them(kind, cause, tmp_path):
    with pytest.raises(kind):
        cause(tmp_path)
