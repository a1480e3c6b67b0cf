"""Word-mover's distance between two texts, and which words move where."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import Literal

import numpy as np

from kinfold.core.report import Finding, Report, Table, missing_words
from kinfold.core.space import Space
from kinfold.search.movers import Bags


def movers_distance(
    space: Space,
    a: str | Sequence[str],
    b: str | Sequence[str],
    *,
    tokenizer: Literal["words", "whitespace", "ascii"] | Callable[[str], list[str]] | None = None,
    lower: bool | None = None,
    without: Collection[str] = (),
    unit: bool | None = None,
    group: str | None = None,
) -> Report:
    """How far the words of one text must travel, at least, to become those of another.

    A text is its words with their shares; words without a row are left out and listed. The distance is the least sum of
    share · Euclidean distance over all ways to move one text's shares onto the other's, found exactly.

    Args:
        space: Where the words have rows.
        a: A string, or a list of words.
        b: Another.
        tokenizer: words, whitespace, ascii, or a function; None takes the one that the Space was learned
            with, where its card tells, else words.
        lower: Whether to lower-case; None does as the Space was learned, else where all its keys are in lower case.
        without: Words that do not count: stop words.
        unit: Whether distances are between rows of length 1; None does so unless the metric is `l2`.
        group: The words among the keys; the first group where it is None.

    Returns:
        `distance`, over the words that have a row; `coverage` of the groups `first` and `second`; tables of what moves
        where, the largest part of the distance first, and of missing words where there are any.

    Raises:
        BadData: None of the words of a text has a row, or a text is neither a string nor a list of words.
        BadOption: The Space was learned with a tokenizer of its own, which must be given.
        UnknownName: There is no such group.

    Source:
        Kusner, Sun, Kolkin, Weinberger 2015.

    Example:
        >>> space = Space.of(["cat", "dog", "sun"], [[1, 0], [0.6, 0.8], [0, 1]])
        >>> report = movers_distance(space, "a cat, a cat", "dog")
        >>> print(report["distance"])
        distance: 0.894 (n = 3)
    """
    bags = Bags.of(space, [a, b], tokenizer=tokenizer, lower=lower, without=without, unit=unit, group=group)
    shares, distances = bags.moves(0, bags, 1)
    here, there = (bags.space.keys.take(bags.bag(text)[0]) for text in (0, 1))
    parts = shares * distances
    rows, columns = np.nonzero(shares)
    order = np.lexsort((-shares[rows, columns], -parts[rows, columns]))
    moves = [
        [here[row], there[column], float(shares[row, column]), float(distances[row, column])]
        for row, column in zip(rows[order].tolist(), columns[order].tolist(), strict=True)
    ]
    known, tokens = bags.known.tolist(), bags.tokens.tolist()
    covered = [
        Finding("coverage", known[text] / tokens[text], n=tokens[text], group=("first", "second")[text])
        for text in (0, 1)
    ]
    cased = "lower-cased" if bags.reading["lower"] else "as they are written"
    return Report(
        "Word-mover's distance",
        [Finding("distance", float(parts.sum()), n=sum(known)), *covered],
        [
            Table("Moves", ("from", "to", "share", "distance"), moves),
            *([missing_words(bags.missing, "times")] if bags.missing else []),
        ],
        [f"Euclidean, {'between rows of length 1' if bags.unit else 'between rows as they are'}; words {cased}."],
    )
