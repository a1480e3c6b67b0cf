"""What a Space was learned by and from, again: its method with its parameters, and data in the shape that it takes."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Sequence
from typing import Any

from kinfold.core.errors import BadData
from kinfold.core.progress import Progress, quiet
from kinfold.core.shapes import Counts, Sequences
from kinfold.core.space import Space
from kinfold.learn import LEARNERS
from kinfold.recipes import items, words


def learner_of(space: Space) -> Any:
    """The learner that a Space's card names, with the card's parameters.

    Raises:
        BadData: It was not learned by one whose dimension can be chosen.
    """
    name = "word2vec" if space.card.method == "item2vec" else space.card.method
    entry = next((each for each in LEARNERS if each.name == name), None)
    known = {**words.METHODS, **items.METHODS}
    if entry is None or space.card.method not in known or space.card.method in ("ease", "funksvd"):
        raise BadData(
            f"a Space by '{space.card.method}' is not learned anew here; one of words by word2vec, fasttext, glove or "
            "svd, or of users and items, is. kinfold tune items judges ratings; kf.choose.dimension takes any learner."
        )
    kind = entry.load()
    fields = {field.name for field in dataclasses.fields(kind)}
    return kind(**{name: value for name, value in space.card.parameters.items() if name in fields})


def again(
    space: Space, paths: Sequence[str | os.PathLike[str]], *, column: str | None = None, progress: Progress = quiet
) -> tuple[Any, Counts | Sequences]:
    """A Space's learner, and its data read again from files, cut and counted as they were.

    Args:
        space: By word2vec, fasttext, glove, svd, or a method for users and items.
        paths: Texts, or who met what.
        column: Which column of a table holds the text.
        progress: Told of how far the work is.

    Raises:
        BadData: It was not learned so, or the files hold nothing of it.
        BadFile: A file is missing or cannot be read.
    """
    learner = learner_of(space)
    if "interactions" in space.card.data:
        return learner, _met(space, learner, paths)
    from kinfold.prepare.cutting import cut_as
    from kinfold.prepare.tokens import sequences
    from kinfold.sources.text import read

    part = words.words_of(space)
    texts = read(list(paths), column=column)
    data = sequences(texts, min_count=0, known=part.keys, progress=progress, **cut_as(space))
    if not len(data.ids):
        raise BadData("these texts hold none of the Space's words; give those that it was learned from.")
    return learner, data


def _met(space: Space, learner: Any, paths: Sequence[str | os.PathLike[str]]) -> Counts | Sequences:
    from pathlib import Path

    from kinfold.prepare.interactions import matrix, sessions
    from kinfold.sources.interactions import columns_as, read

    files = [Path(each) for each in paths]
    met = read(files, **columns_as(space, files))
    if type(learner).takes is Sequences:
        return sessions(met)
    return matrix(met, repeated=space.card.data.get("repeated") or items.usual(space.card.method))
