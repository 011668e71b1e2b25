# SPDX-License-Identifier: GPL-3.0-or-later
"""Chips are read when they are needed: a set larger than memory trains, and to the same bits."""

import gc

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="PyTorch is not installed; run make setup-training")

from training import recipe
from training.sets import chip_files
from training.sets.chip_files import MEMORY, ChipMemory, facts_of, places_of, read_ahead
from training.sets.chips import fingerprint, load
from training.sets.description import describe
from training.train import checkpoint, loop
from training.train.__main__ import main as train
from training.train.training_data import load_training_data

BANDS, NAMES = ("red", "nir"), ("Water", "Trees", "Bare")


@pytest.fixture
def memory(monkeypatch):
    """A memory of its own, its limit to be set; it notes the most bytes it has held."""

    class Noted(ChipMemory):
        most = 0

        def put(self, key, chip):
            kept = super().put(key, chip)
            self.most = max(self.most, self.used)
            return kept

    own = Noted(1 << 30)
    monkeypatch.setattr(chip_files, "MEMORY", own)
    return own


def test_a_set_larger_than_memory_trains_to_the_same_bits(toy, recipe_file, tmp_path, memory):
    r = recipe.read(recipe_file, {"run.large_every": 2, "run.large": 64, "augment.pictures": 0.5})
    kept = {}
    for limit in (1 << 30, 40_000, 0):
        memory.limit, memory.most = limit, 0
        best = loop.run(r, load_training_data(r, toy, tmp_path / "cache"), tmp_path / str(limit), "cpu")
        kept[limit] = checkpoint.read(best.with_name("last.pt"))
        assert memory.most <= limit
    whole = kept[1 << 30]
    for limit in (40_000, 0):
        assert all(torch.equal(whole["weights"][k], kept[limit]["weights"][k]) for k in whole["weights"])
        assert kept[limit]["data"] == whole["data"] and kept[limit]["score"] == whole["score"]


def test_what_was_not_used_for_longest_goes(toy, memory):
    chips = load(describe(toy, "sure"), ("train",), BANDS, NAMES)
    size = 64 * 64 * (2 * 4 + 1 + 1)
    memory.limit = 2 * size
    first, second = chips[0], chips[1]
    assert chips[0] is first and memory.used == 2 * size
    chips[2]
    assert chips[0] is first and chips[1] is not second
    assert np.array_equal(chips[1].values, second.values)
    del chips
    gc.collect()
    assert memory.used == 0


def test_facts_are_those_of_the_chips(toy):
    chips = load(describe(toy, "sure"), ("train", "val"), BANDS, NAMES)
    in_memory = list(chips)
    assert np.array_equal(chips.facts.labels, facts_of(in_memory).labels)
    assert np.array_equal(chips.facts.valid, facts_of(in_memory).valid) and not chips.facts.taught
    assert list(places_of(chips)) == list(places_of(in_memory)) == ["g0", "g0", "g1", "g1", "g2", "g2"]
    assert fingerprint(chips) == fingerprint(in_memory)
    some = chips.chosen([4, 1])
    assert [c.name for c in some] == ["s4.tif", "s1.tif"] and np.array_equal(
        some.facts.labels, chips.facts.labels[[4, 1]]
    )
    assert [c.name for c in chips[1:3]] == ["s1.tif", "s2.tif"] and chips[-1].name == "s5.tif"
    with pytest.raises(IndexError):
        chips[6]


def test_changes_are_made_at_each_reading(toy, memory):
    memory.limit = 0
    chips = load(describe(toy, "sure"), ("train",), BANDS, NAMES)

    def hidden(number, chip):
        chip.labels[:] = number
        return chip

    changed = chips.changed(hidden)
    assert [int(c.labels[0, 0]) for c in changed] == [0, 1, 2, 3] and chips[1].labels.max() == 2
    assert changed.facts.labels[1, 1] == 64 * 64


def test_places_are_pooled_from_all_their_chips(toy):
    chips = load(describe(toy, "sure"), ("train",), BANDS, NAMES)
    one, two = chips[0], chips[1]
    assert np.array_equal(one.pool, np.concatenate([one.layer, two.layer], axis=1))
    assert np.array_equal(one.pool, two.pool) and not np.array_equal(one.pool, chips[2].pool)


def test_reading_ahead_keeps_the_order_and_passes_errors_on():
    assert list(read_ahead(lambda i: i * i, range(30))) == [i * i for i in range(30)]
    assert list(read_ahead(lambda i: i, [])) == []
    with pytest.raises(ZeroDivisionError):
        list(read_ahead(lambda i: 1 // (i - 3), range(9)))


def test_the_option_and_classes_that_cannot_be_learned(toy, recipe_file, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(MEMORY, "limit", MEMORY.limit)
    line = [str(recipe_file), "--data", str(toy), "--run", str(tmp_path / "run"), "--stop-at", "1"]
    assert train([*line, "--memory", "-1"]) == 2 and "--memory is -1" in capsys.readouterr().err
    assert train([*line, "--memory", "0.5"]) == 0 and MEMORY.limit == 500_000_000
    assert "Warning: No training pixel is Bare" in capsys.readouterr().err
