"""What is to c as b is to a."""

from __future__ import annotations

import numpy as np

from kinfold.core.errors import BadOption, did_you_mean
from kinfold.core.hits import Hits
from kinfold.core.nearest import among, checked_k
from kinfold.core.space import Space

METHODS = {"3cosadd": "3CosAdd", "3cosmul": "3CosMul"}
# Keeps the quotient of 3CosMul finite, as in the paper.
_EPSILON = 1e-3


def analogy(space: Space, a: str, b: str, c: str, k: int = 5, *, method: str = "3cosadd") -> Hits:
    """The rows that are to c as b is to a; none of the three is among them.

    Args:
        space: What is searched, within the group of c.
        a: A key: `man`.
        b: What it is to: `king`.
        c: The key that is asked about: `woman`.
        k: Answers wanted.
        method: `3cosadd`: the largest cos(d, b) - cos(d, a) + cos(d, c). `3cosmul`: the largest product of the
            similarities to b and c over the one to a, each moved into 0..1; scores are its logarithm.

    Raises:
        UnknownKey: One of the three is the name of no row.
        BadOption: There is no such method, or `k` is below 1.

    Source:
        Mikolov, Yih, Zweig 2013 (3CosAdd); Levy, Goldberg 2014 (3CosMul).
    """
    check_method(method)
    asked = np.array([space.keys.row(key) for key in (a, b, c)])
    words = _units(space.rows.take(asked))
    scores = np.empty(len(space), np.float32)
    for start, block in space.rows.blocks():
        given, taken = sides(words @ _units(block).T, method)
        scores[start : start + len(block)] = given[1] - taken[0] + given[2]
    home = among(space, space.keys.group_of(int(asked[2])), None)
    rows = np.setdiff1d(np.arange(len(space)) if home is None else home, asked)
    best = rows[np.lexsort((rows, -scores[rows]))[: checked_k(k)]]
    return Hits([space.keys[row] for row in best.tolist()], scores[best], best, f"{a} : {b} = {c} : ?")


def sides(cosines: np.ndarray, method: str) -> tuple[np.ndarray, np.ndarray]:
    """What cosines add where they are to b or c, and what they subtract where they are to a.

    Both methods are a sum of three: of cosines for 3CosAdd, of logarithms of cosines moved into 0..1 for 3CosMul.
    """
    if method == "3cosadd":
        return cosines, cosines
    moved = np.maximum((1 + cosines) / 2, np.float32(0))
    return np.log(np.maximum(moved, np.float32(1e-30))), np.log(moved + np.float32(_EPSILON))


def check_method(method: str) -> None:
    """Does nothing where there is such a method.

    Raises:
        BadOption: There is none.
    """
    if method not in METHODS:
        near = did_you_mean(method, METHODS)
        raise BadOption(f"there is no analogy method '{method}'.{near} There are: {', '.join(METHODS)}.")


def _units(rows: np.ndarray) -> np.ndarray:
    lengths = np.sqrt(np.einsum("ij,ij->i", rows, rows))[:, None]
    return rows / np.where(lengths > 0, lengths, np.float32(1))
