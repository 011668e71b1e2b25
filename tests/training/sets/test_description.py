# SPDX-License-Identifier: GPL-3.0-or-later
"""`set.toml`: what it says of the wrong kind is refused by name."""

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="PyTorch is not installed; run make setup-training")

from lulc_plugin.errors import LulcError
from training.sets.description import parse


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"bands": 5}, "bands is 5"),
        ({"scale": "x"}, "scale is 'x'"),
        ({"gsd": True}, "gsd is True"),
        ({"one_layer": 1}, "one_layer is 1"),
        ({"labels": 5}, "labels is 5"),
        ({"labels": {"band": "a"}}, "labels band is 'a'"),
        ({"labels": {"bands": 1}}, "no 'bands'"),
        ({"labels": {"classes": {"x": "Water"}}}, "label value is 'x'"),
        ({"labels": {"classes": {"256": "Water"}}}, "label value is '256'"),
        ({"labels": {"classes": {"1": 5}}}, "label 1 is 5"),
        ({"labels": {"classes": {"1": []}}}, "label 1 names no class"),
        ({"soft": {"folder": "../x"}}, "'../x'"),
        ({"leave_out": {"place": 5}}, "leave_out.place is 5"),
    ],
)
def test_descriptions_of_the_wrong_kind_are_refused_by_name(tmp_path, change, message):
    plain = {"name": "mine", "bands": ["red"], "values": "reflectance"}
    with pytest.raises(LulcError) as caught:
        parse({**plain, **change}, tmp_path, "set.toml")
    assert message in str(caught.value)


def test_nodata_may_be_no_number(tmp_path):
    plain = {"name": "mine", "bands": ["red"], "values": "reflectance"}
    assert np.isnan(parse({**plain, "nodata": float("nan")}, tmp_path, "set.toml").nodata)
    assert parse({**plain, "nodata": 0}, tmp_path, "set.toml").nodata == 0
