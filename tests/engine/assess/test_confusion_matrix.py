# SPDX-License-Identifier: GPL-3.0-or-later
"""The confusion matrix and the statistics that follow from it, against published and independently computed figures."""

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st
from hypothesis.extra.numpy import arrays

from lulc_plugin.assess import ConfusionMatrix, accuracy
from lulc_plugin.errors import LulcError

# matrix (rows map, columns reference), overall, kappa, user's, producer's, F1, IoU, kappa one-vs-rest
EXAMPLES = {
    # Congalton & Green, Assessing the Accuracy of Remotely Sensed Data, chapter 5, analyst 1
    "congalton": (
        [[65, 4, 22, 24], [6, 81, 5, 8], [0, 11, 85, 19], [4, 7, 3, 90]],
        0.7396313364055299, 0.6535162707888823,
        [0.5652173913043479, 0.81, 0.7391304347826086, 0.8653846153846154],
        [0.8666666666666667, 0.7864077669902914, 0.7391304347826086, 0.6382978723404256],
        [0.6842105263157895, 0.7980295566502463, 0.7391304347826086, 0.7346938775510204],
        [0.52, 0.6639344262295082, 0.5862068965517241, 0.5806451612903226],
        [0.6006747431375556, 0.7363929957630886, 0.6450865476352734, 0.6336458793278097],
    ),
    # Fleiss, Cohen & Everitt 1969
    "fleiss": (
        [[106, 10, 4], [22, 28, 10], [2, 12, 6]],
        0.7, 0.4285714285714286,
        [0.8833333333333332, 0.46666666666666673, 0.3],
        [0.8153846153846154, 0.56, 0.3],
        [0.848, 0.5090909090909091, 0.3],
        [0.7361111111111112, 0.34146341463414637, 0.1764705882352941],
        [0.5957446808510638, 0.325, 0.22222222222222215],
    ),
    # the test table of GRASS r.kappa: classes that occur on one side only
    "one side": (
        [[4, 0, 0, 0, 0, 0], [0, 0, 0, 0, 0, 0], [0, 1, 4, 0, 0, 0], [3, 0, 0, 0, 0, 1], [0, 0, 0, 0, 1, 0],
         [0, 2, 0, 0, 0, 2]],
        0.6111111111111112, 0.5209125475285171,
        [1.0, None, 0.8, 0.0, 1.0, 0.5],
        [0.5714285714285715, 0.0, 1.0, None, 1.0, 0.6666666666666666],
        [0.7272727272727273, 0.0, 0.8888888888888888, 0.0, 1.0, 0.5714285714285715],
        [0.5714285714285715, 0.0, 0.8, 0.0, 1.0, 0.4],
        [0.619718309859155, 0.0, 0.8524590163934426, 0.0, 1.0, 0.4705882352941177],
    ),
    "absent": (
        [[10, 1, 0], [2, 20, 0], [0, 0, 0]],
        0.9090909090909092, 0.8,
        [0.9090909090909091, 0.9090909090909091, None],
        [0.8333333333333334, 0.9523809523809524, None],
        [0.8695652173913043, 0.9302325581395348, None],
        [0.7692307692307692, 0.8695652173913042, None],
        [0.8, 0.8, None],
    ),
    "one class": ([[25]], 1.0, None, [1.0], [1.0], [1.0], [1.0], [None]),
    "disagreement": ([[0, 10], [10, 0]], 0.0, -1.0, [0, 0], [0, 0], [0, 0], [0, 0], [-1, -1]),
    "constant map": ([[8, 4], [0, 0]], 2 / 3, 0.0, [2 / 3, None], [1, 0], [0.8, 0], [2 / 3, 0], [0, 0]),
}  # fmt: skip


def close(found, expected):
    assert len(found) == len(expected)
    for a, b in zip(found, expected):
        assert (a is None) == (b is None), (found, expected)
        assert b is None or a == pytest.approx(b, abs=1e-12)


@pytest.mark.parametrize("name", EXAMPLES)
@pytest.mark.parametrize("factor", [1, 10**15])
def test_examples(name, factor):
    matrix, overall, kappa, users, producers, f1, iou, rest = EXAMPLES[name]
    found = accuracy(np.array(matrix) * factor)
    assert found.overall == pytest.approx(overall, abs=1e-12)
    close([found.kappa], [kappa])
    close([c.users for c in found.classes], users)
    close([c.producers for c in found.classes], producers)
    close([c.f1 for c in found.classes], f1)
    close([c.iou for c in found.classes], iou)
    close([c.kappa for c in found.classes], rest)
    known = [v for v in f1 if v is not None]
    assert found.macro_f1 == pytest.approx(sum(known) / len(known))
    known = [v for v in iou if v is not None]
    assert found.miou == pytest.approx(sum(known) / len(known))


def test_published_macro_figures():
    found = accuracy(EXAMPLES["congalton"][0])
    assert found.macro_f1 == pytest.approx(0.7390160988249161, abs=1e-12)
    assert found.miou == pytest.approx(0.5876966210178888, abs=1e-12)


def test_rows_are_the_map():
    found = accuracy([[8, 4], [1, 2]])
    assert found.classes[0].users == pytest.approx(8 / 12)
    assert found.classes[0].producers == pytest.approx(8 / 9)
    assert (found.classes[0].mapped, found.classes[0].reference) == (12, 9)


@given(arrays(np.int64, (4, 4), elements=st.integers(0, 50)))
@settings(max_examples=150, deadline=None)
def test_properties(matrix):
    if matrix.sum() == 0:
        return
    found, turned = accuracy(matrix), accuracy(matrix.T)
    assert found.overall == pytest.approx(turned.overall)
    for a, b in zip(found.classes, turned.classes):
        close([a.users, a.f1, a.iou, a.kappa], [b.producers, b.f1, b.iou, b.kappa])
        if a.f1 is not None:
            assert a.f1 == pytest.approx(2 * a.iou / (1 + a.iou))
    order = [2, 0, 3, 1]
    other = accuracy(matrix[np.ix_(order, order)])
    close([found.kappa, found.miou], [other.kappa, other.miou])


@given(arrays(np.int64, (5, 5), elements=st.integers(0, 30)))
@settings(max_examples=150, deadline=None)
def test_parts_of_the_difference(matrix):
    """Quantity and allocation are all there is, per class and in total; so are exchange and shift of allocation."""
    if matrix.sum() == 0:
        return
    found = accuracy(matrix)
    p = matrix / matrix.sum()
    for k, c in enumerate(found.classes):
        assert c.quantity + c.allocation == pytest.approx(c.map_share + c.reference_share - 2 * p[k, k], abs=1e-14)
        assert c.exchange + c.shift == pytest.approx(c.allocation, abs=1e-14)
        assert min(c.quantity, c.allocation, c.exchange, c.shift) >= 0
        others = [j for j in range(5) if j != k]
        assert c.exchange == pytest.approx(2 * sum(min(p[k, j], p[j, k]) for j in others), abs=1e-14)
        for conditional, accurate, other in (
            (c.kappa_users, c.users, c.reference_share), (c.kappa_producers, c.producers, c.map_share),
        ):  # fmt: skip
            assert (conditional is None) == (accurate is None or other == 1)
            if conditional is not None:
                assert conditional == pytest.approx((accurate - other) / (1 - other), abs=1e-12)
    assert found.quantity + found.allocation == pytest.approx(1 - found.overall, abs=1e-14)
    assert found.exchange + found.shift == pytest.approx(found.allocation, abs=1e-14)


@given(arrays(np.int64, (2, 2), elements=st.integers(0, 30)))
@settings(max_examples=60, deadline=None)
def test_shift_needs_three_classes(matrix):
    if matrix.sum():
        assert accuracy(matrix).shift == 0


def test_means_say_how_many_classes_they_are_over():
    """The class that the reference lacks has no producer's accuracy: it is left out there, not counted as 0."""
    found = accuracy([[10, 2, 0, 0], [1, 20, 0, 0], [3, 4, 0, 0], [0, 0, 0, 0]])
    macro = found.macro
    assert (macro.users_classes, macro.producers_classes, macro.f1_classes, macro.iou_classes, macro.kappa_classes) == (
        3, 2, 3, 3, 3,
    )  # fmt: skip
    assert found.balanced == macro.producers == pytest.approx((10 / 14 + 20 / 26) / 2)
    assert macro.users == pytest.approx((10 / 12 + 20 / 21 + 0) / 3)
    assert found.weighted.users == pytest.approx((14 * 10 / 12 + 26 * 20 / 21) / 40)
    assert found.macro_f1 == macro.f1 and found.miou == macro.iou


def test_integers_beyond_float64_are_summed_exactly():
    """One wrong pixel among 2^60: float64 sums lose it, and kappa would be 1."""
    found = accuracy([[2**60, 1], [0, 5]])
    assert found.kappa == pytest.approx(10 / 11, abs=1e-9)
    assert found.classes[0].quantity * found.total == pytest.approx(1)
    assert accuracy([[2**70, 0], [0, 2**70]]).overall == 1


def test_hundredths_are_hundredths():
    """81 of 100 is 0.81, not 0.8099999999999999."""
    assert accuracy([[81, 19], [3, 231]]).classes[0].users == 0.81


@pytest.mark.parametrize(
    "matrix", [[[0, 0], [0, 0]], [[1, 2, 3], [4, 5, 6]], [[-1, 2], [3, 4]], [[np.nan, 1], [1, 1]], [1, 2], []]
)  # fmt: skip
def test_no_matrix(matrix):
    with pytest.raises(LulcError):
        accuracy(matrix)


# ---------------------------------------------------------------- counting


@given(st.permutations([3, 10, 0, 255]), st.integers(0, 2**32 - 1))
@settings(max_examples=60, deadline=None)
def test_counting_equals_a_loop(values, seed):
    random = np.random.default_rng(seed)
    codes = [*values, 7, 254]
    a = random.choice(codes, (9, 11)).astype(np.uint8)
    b = random.choice(codes, (9, 11)).astype(np.uint16)
    valid = random.random((9, 11)) > 0.3
    matrix = ConfusionMatrix(values)
    matrix.add(a[:4], b[:4], valid[:4])
    matrix.add(a[4:], b[4:], valid[4:])
    expected = np.zeros((4, 4), int)
    outside = 0
    for m, r, v in zip(a.ravel(), b.ravel(), valid.ravel()):
        if v and m in values and r in values:
            expected[values.index(m), values.index(r)] += 1
        elif v:
            outside += 1
    np.testing.assert_array_equal(matrix.counts, expected)
    assert matrix.outside == outside


def test_a_constant_map_fills_one_row():
    matrix = ConfusionMatrix([1, 2])
    matrix.add(np.array([1, 1, 1]), np.array([1, 2, 2]))
    assert matrix.counts.tolist() == [[1, 2], [0, 0]]


def test_shapes_and_values_are_checked():
    matrix = ConfusionMatrix([1, 2])
    with pytest.raises(LulcError, match="differ in shape"):
        matrix.add(np.ones((2, 3)), np.ones((3, 2)))
    for values in ([], [1, 1]):
        with pytest.raises(LulcError):
            ConfusionMatrix(values)


def test_classes_beyond_the_largest_are_outside():
    counted = ConfusionMatrix([1, 2])
    counted.add(np.array([1, 2, 3, 200]), np.array([1, 9, 2, 255]))
    assert counted.counts.tolist() == [[1, 0], [0, 0]] and counted.outside == 3


@pytest.mark.parametrize("count", [2**53, 2**53 + 2**51, 2**54])
def test_counts_that_a_float_cannot_hold_are_summed_exactly(count):
    """`count` + 1 − `count` is 1, which 64-bit floating point numbers lose."""
    found = accuracy(np.array([[count, 1], [1, 0]], np.int64))
    assert found.classes[1].users == 0.0
    assert found.classes[0].users == pytest.approx(count / (count + 1), abs=0, rel=1e-15)


def test_a_class_on_one_side_divides_by_nothing():
    """No warning of numpy reaches a user."""
    with np.errstate(all="raise"):
        found = accuracy(np.array([[5, 2, 0], [0, 0, 0], [1, 3, 0]]))
    assert [c.users for c in found.classes][1] is None
    assert [c.producers for c in found.classes][2] is None
    # weighted by the reference, which lacks the third class; the second has no user's accuracy
    assert found.weighted.users_classes == 1 and found.macro.users_classes == 2


def test_two_classes_are_enough_for_a_kappa():
    assert accuracy(np.array([[3, 1], [1, 3]])).kappa == pytest.approx(0.5)
    assert accuracy(np.array([[3, 1], [1, 3]])).mcc == pytest.approx(0.5)
    assert accuracy(np.array([[3, 0], [0, 0]])).kappa is None
