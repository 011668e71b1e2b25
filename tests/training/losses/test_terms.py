# SPDX-License-Identifier: GPL-3.0-or-later
"""Loss terms against numbers worked out by hand, and against what they must ignore."""

import math

import pytest

torch = pytest.importorskip("torch", reason="PyTorch is not installed; run make setup-training")

from lulc_plugin.errors import LulcError
from training.losses import terms
from training.losses.target import Target, class_weights
from training.losses.total import Term, total_loss

SHARES = [0.1, 0.2, 0.3, 0.4]


def scores_of(*pixels):
    """Scores `(1, 4, 1, n)` whose softmax is the shares given for each pixel."""
    return torch.tensor(pixels).log().T.reshape(1, 4, 1, len(pixels)).requires_grad_()


def target(*codes, coarse=()):
    """A target of these codes; `coarse` are the classes of code 5."""
    allowed = torch.zeros(6, 4, dtype=torch.bool)
    allowed[1:5] = torch.eye(4, dtype=torch.bool)
    allowed[5, list(coarse)] = True
    shares = torch.bincount(torch.tensor(codes), minlength=6).double()
    shares[0] = 0
    return Target(torch.tensor(codes).reshape(1, 1, -1), allowed, shares / shares.sum().clamp_min(1))


def test_cross_entropy_by_hand():
    assert terms.partial_ce(scores_of(SHARES), target(4)).item() == pytest.approx(-math.log(0.4), abs=1e-5)
    two = terms.partial_ce(scores_of(SHARES, SHARES), target(4, 1)).item()
    assert two == pytest.approx(-(math.log(0.4) + math.log(0.1)) / 2, abs=1e-5)


@pytest.mark.parametrize("name", ["weighted_ce", "partial_ce", "focal", "hardest_classes", "coarse", "dice"])
def test_unlabelled_pixels_are_ignored(name):
    term = terms.TERMS[name]
    scores = scores_of(SHARES, [0.7, 0.1, 0.1, 0.1])
    loss = term(scores, target(4, 0))
    loss.backward()
    assert loss.item() == pytest.approx(term(scores_of(SHARES), target(4)).item(), abs=1e-5)
    assert scores.grad[..., 1].abs().max() == 0 and scores.grad[..., 0].abs().max() > 0
    assert term(scores_of(SHARES), target(0)).item() == 0


def test_coarse_labels_sum_what_they_allow():
    loss = terms.coarse(scores_of(SHARES), target(5, coarse=(1, 2)))
    assert loss.item() == pytest.approx(-math.log(0.5), abs=1e-5)
    scores = scores_of(SHARES)
    terms.coarse(scores, target(5, coarse=(1, 2))).backward()
    # the label does not say which of the two it is: both rise in proportion to what they have
    gradient = scores.grad[0, :, 0, 0]
    assert gradient[1] < 0 and gradient[2] < 0 and gradient[1] / gradient[2] == pytest.approx(2 / 3, abs=1e-4)


def test_terms_of_one_class_refuse_coarse_labels():
    for name in ("weighted_ce", "partial_ce", "focal", "hardest_classes"):
        with pytest.raises(LulcError, match="coarse"):
            terms.TERMS[name](scores_of(SHARES), target(5, coarse=(1, 2)))


def test_dice_by_hand():
    got = terms.dice(scores_of(SHARES), target(4)).item()
    assert got == pytest.approx(1 - 2 * 0.4 / 1.4, abs=1e-5)
    got = terms.dice(scores_of(SHARES), target(5, coarse=(1, 2))).item()
    assert got == pytest.approx(1 - 2 * 0.5 / 1.5, abs=1e-5)


def test_focal_by_hand():
    got = terms.focal(scores_of(SHARES), target(4), gamma=2.0).item()
    assert got == pytest.approx(-(0.6**2) * math.log(0.4), abs=1e-5)
    assert terms.focal(scores_of(SHARES), target(4), gamma=0.0).item() == pytest.approx(-math.log(0.4), abs=1e-5)


def test_hardest_classes_weigh_more():
    scores, known = scores_of(SHARES, SHARES), target(4, 1)
    plain, heavy = terms.partial_ce(scores, known).item(), terms.hardest_classes(scores, known, (0,), 3.0).item()
    assert heavy == pytest.approx((-math.log(0.4) - 3 * math.log(0.1)) / 4, abs=1e-5) and heavy > plain
    known.worst = (0,)
    assert terms.hardest_classes(scores, known, factor=3.0).item() == pytest.approx(heavy, abs=1e-6)


def test_soft_labels_by_hand():
    known = target(0)
    known.soft, known.known = torch.tensor([0.5, 0.5, 0, 0]).reshape(1, 4, 1, 1), torch.ones(1, 1, 1, dtype=torch.bool)
    got = terms.soft(scores_of(SHARES), known).item()
    assert got == pytest.approx(-0.5 * (math.log(0.1) + math.log(0.2)), abs=1e-5)
    known.known[:] = False
    assert terms.soft(scores_of(SHARES), known).item() == 0
    with pytest.raises(LulcError, match="teacher"):
        terms.soft(scores_of(SHARES), target(1))


def test_label_smoothing_by_hand():
    got = terms.partial_ce(scores_of(SHARES), target(4), smoothing=0.2).item()
    even = -sum(math.log(s) for s in SHARES) / 4
    assert got == pytest.approx(-0.8 * math.log(0.4) + 0.2 * even, abs=1e-5)


def test_class_weights_are_capped_and_mean_one():
    shares = torch.tensor([0.5, 0.3, 0.15, 0.04, 0.0099, 0.0001])
    weights = class_weights(shares, 0.6, 12.0)
    assert weights.max() / weights.min() == pytest.approx(12.0, rel=1e-5)
    assert float((weights * shares).sum()) == pytest.approx(1.0, abs=1e-5)


def test_a_sum_of_terms():
    scores, known = scores_of(SHARES), target(4)
    got = total_loss(scores, known, (Term("partial_ce", 2.0), Term("dice", 0.5)))
    expected = 2 * terms.partial_ce(scores, known) + 0.5 * terms.dice(scores, known)
    assert got.item() == pytest.approx(expected.item(), abs=1e-6)


def test_label_smoothing_does_not_teach_absent_classes():
    """A class that the set never has gets no share of the smoothing, whatever the weights."""
    known = target(4, 1)
    scores = scores_of(SHARES, SHARES)
    terms.weighted_ce(scores, known, power=0.6, smoothing=0.2).backward()
    gradient = scores.grad.sum(dim=(0, 2, 3))
    # descending lowers the scores of classes 2 and 3, which do not occur
    assert gradient[1] > 0 and gradient[2] > 0
    free = torch.zeros(1, 4, 1, 1, requires_grad=True)
    steps = torch.optim.SGD([free], lr=2.0)
    for _ in range(300):
        steps.zero_grad()
        terms.weighted_ce(free, target(4), power=0.6, smoothing=0.2).backward()
        steps.step()
    assert free.softmax(dim=1)[0, 3].item() > 0.95
