# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether units that are called a simple random sample are spread over the map's classes like one."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from ...errors import LulcError


def spread_check(row_counts: npt.ArrayLike, map_shares: npt.ArrayLike) -> tuple[float, int, float]:
    """Pearson's X² = Σ (n_i. − n W_i)²/(n W_i) of the units on each class of the map.

    Args:
        row_counts: units on each class of the map `(q,)`.
        map_shares: W_i `(q,)`, on any scale.

    Returns:
        X², degrees of freedom (classes of the map less one), p.

    Raises:
        LulcError: units lie on a class that the map does not have.
    """
    rows, weights = np.asarray(row_counts, np.float64), np.asarray(map_shares, np.float64)
    here = weights > 0
    if np.any(rows[~here] > 0):
        raise LulcError(f"{rows[~here].sum():g} reference units lie on classes that the map does not have.")
    freedom = max(int(np.count_nonzero(here)) - 1, 0)
    expected = rows.sum() * weights[here] / max(float(weights.sum()), 1e-300)
    if rows.sum() == 0 or freedom == 0:
        return 0.0, freedom, 1.0
    x2 = float(((rows[here] - expected) ** 2 / expected).sum())
    from scipy import special  # only here, see intervals.z

    return x2, freedom, float(special.chdtrc(freedom, x2))
