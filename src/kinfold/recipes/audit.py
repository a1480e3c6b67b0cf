"""Is it fair: words by lists, sentences around words, users and items by their attributes, encoders by group."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from kinfold.core.errors import BadData, BadOption
from kinfold.core.histories import MET, Sides, known
from kinfold.core.progress import Progress, quiet
from kinfold.core.report import Report
from kinfold.core.space import Space
from kinfold.measure.apart import separation
from kinfold.measure.bias import word_bias
from kinfold.measure.grouped import by_group
from kinfold.measure.shown import exposure
from kinfold.measure.word_lists import WordLists, read_lists
from kinfold.sources.shares import read as read_shares

if TYPE_CHECKING:
    import pyarrow as pa

Lists = str | os.PathLike[str] | WordLists


def audit(
    thing: Any,
    lists: Lists | Sequence[Lists] | None = None,
    *,
    group: str | None = None,
    among: str | None = None,
    shares: str | os.PathLike[str] | Mapping[str, float] | None = None,
    share: str | None = None,
    templates: str | os.PathLike[str] | Sequence[str] | None = None,
    test: Any = None,
    text: str = "text",
    label: str | None = None,
    lower: bool | None = None,
    unit: bool = False,
    lost: float = 0.2,
    permutations: int = 9999,
    k: int = 10,
    sample: int = 4000,
    seed: int = 0,
    progress: Progress = quiet,
) -> Report:
    """How biased a Space or an encoder is.

    With lists, words are judged by `measure.word_bias`; of an encoder, each is the mean of sentences around it (SEAT).
    With a group, the rows that it names are judged by `measure.separation`, and of users and items, what they are shown
    by `measure.exposure`. With a test, an encoder or a classifier is judged group by group.

    Args:
        thing: A Space, a file of vectors, an encoder or its folder, or a classifier.
        lists: `weat`, `gender`, `race`, `religion`, a .toml file, or several; `weat` where nothing else is asked, and
            `gender` where shares are.
        group: An attribute of rows, such as the gender of users or the genre of items; with a test, a column of it.
        among: The group of keys that is looked at; by default words, or the first that has the attribute.
        shares: A table of words and of the real shares of one end of an axis, or such a mapping.
        share: Column of the shares, where it is not called so.
        templates: Sentences with `{word}` in them, or lists that hold some: each word is the mean of its sentences.
            An encoder that is no Space takes those of `sentences`.
        test: A table of scored pairs of texts, or, with `label`, of labeled texts, that has the column `group`.
        text: Column of the labeled texts.
        label: Column of their labels; the test is of a classifier.
        lower: True looks words up in lower case, False as the lists write them; None tries both.
        unit: Bring rows of words to length 1 first.
        lost: The largest share of its words that a set may lose.
        permutations: Of every test by permutation; at most 999 where rows, items or pairs are permuted.
        k: Items that are shown, or neighbors that are looked at.
        sample: Rows, or users, that are compared at most.
        seed: Of all that is drawn.
        progress: Told of how far the encoder is.

    Raises:
        UnknownName: There are no such lists, group, attribute or column.
        BadFile: A file is missing or cannot be read.
        BadData: A file is not what it should be, names the line; or there is too little to compare.
        BadOption: An option outside its range, or options that do not go together.

    Example:
        >>> rows = np.random.default_rng(0).normal(size=(60, 5))
        >>> space = Space.of([f"user{at}" for at in range(60)], rows).with_attribute("sex", ["f", "m"] * 30)
        >>> audit(space, group="sex")["told by a probe"].n
        30
    """
    drawn = min(permutations, 999)
    if test is not None:
        if group is None or lists is not None or shares is not None:
            raise BadOption(
                "a test is told by one of its columns: name it as group='…', and leave lists and shares out."
            )
        return _tested(thing, test, group, text, label, drawn, seed, progress)
    if label is not None:
        raise BadOption("label is a column of a test; name the test.")
    space = _space(thing)
    reports = []
    if lists is not None or shares is not None or group is None:
        asked = _lists(("gender" if shares is not None else "weat") if lists is None else lists)
        told = shares if shares is None or isinstance(shares, Mapping) else read_shares(shares, share=share)
        words = space
        notes: list[str] = []
        if templates is not None or space is None:
            words, note = _sentences(thing, asked, told, templates, progress)
            notes.append(note)
        assert words is not None
        within = among if words is space and group is None else None
        if words is space and within is None and len(words.groups) > 1 and "word" not in words.groups:
            raise BadOption(
                f"this Space has the groups {', '.join(words.groups)}, and lists ask words: name an attribute of them "
                "with group=…, such as gender, or the group that holds words with among=…"
            )
        options: dict[str, Any] = {"lower": lower, "unit": unit, "lost": lost, "permutations": permutations}
        found = word_bias(words, asked, shares=told, group=within, seed=seed, **options)
        reports.append(Report(found.title, found.findings, found.tables, [*notes, *found.notes]))
    if group is not None:
        if space is None:
            raise BadOption("an encoder has no rows of its own; encode something first, or give test=….")
        reports += _grouped(space, group, among, {"k": k, "sample": sample, "permutations": drawn, "seed": seed})
    return _joined(reports)


def _grouped(space: Space, by: str, among: str | None, options: dict[str, Any]) -> list[Report]:
    """What rows tell of groups, and what groups are shown."""
    if space.table is None or MET not in space.table.column_names:
        return [separation(space, by, group=among, **options)]
    sides = Sides.of(space)
    name, _, cut = by.partition(":")
    told = {group: known(space, group) for group in sides if group is not None}
    shown = [exposure(space, by, **options)] if any(name in each.column_names for each in told.values()) else []
    # Several tags of one thing are no groups that a probe could tell.
    if cut:
        return shown
    return [*shown, separation(space, by, group=among, **options)]


def _tested(
    thing: Any, test: Any, group: str, text: str, label: str | None, permutations: int, seed: int, progress: Progress
) -> Report:
    """What an encoder, or a classifier, is worth to each group of a test."""
    options: dict[str, Any] = {"by": group, "permutations": permutations, "seed": seed}
    if label is not None:
        from kinfold.sources.labeled import read as read_labeled
        from kinfold.tasks.classify import open as open_classifier

        classifier = thing if hasattr(thing, "chances") else open_classifier(thing)
        items = read_labeled(test, text=text, label=label)
        told = classifier.predict(items, 1, progress=progress)
        judged = [(hits.keys[:1], labels) for hits, labels in zip(told, _listed(items.labels), strict=True)]
        groups = _column(test, group, len(judged))
        kept = [at for at, (_, labels) in enumerate(judged) if labels]
        right = np.array([not set(judged[at][0]).isdisjoint(judged[at][1]) for at in kept], np.float64)
        return by_group(right, [groups[at] for at in kept], name="accuracy", **options)
    from kinfold.core.metric import Metric
    from kinfold.measure.judgment import spearman
    from kinfold.measure.pairs import similarities
    from kinfold.sources.text_pairs import read as read_pairs
    from kinfold.tasks.rows import of_texts, opened

    pairs = read_pairs(test)
    if pairs.scores is None:
        raise BadData(
            f"{test}: the pairs have no scores; performance by group is told of scored pairs, or of labeled texts with "
            "label=…"
        )
    made = opened(thing)
    metric = getattr(getattr(made, "checkpoint", None), "metric", Metric.COSINE)
    own = similarities(pairs, lambda texts: of_texts(made, texts, progress=progress)[0], metric)
    return by_group(
        [own, pairs.scores], _column(test, group, len(pairs)), name="spearman", statistic=spearman, **options
    )


def _listed(labels: pa.Array | None) -> list[list[str]]:
    assert labels is not None  # read as labeled texts
    found: list[list[str]] = labels.to_pylist()
    return found


def _column(test: Any, column: str, count: int) -> list[str]:
    """A column of a test, by its name, or its number where the file has no header."""
    from kinfold.sources.text_pairs import read as read_column

    found = read_column(test, text=column).left.to_pylist()
    if len(found) != count:
        raise BadData(f"the column '{column}' has {len(found):,} lines, and the test {count:,} items; is it one table?")
    return [str(each) for each in found]


def _sentences(
    thing: Any,
    asked: Sequence[WordLists],
    shares: Mapping[str, float] | None,
    templates: str | os.PathLike[str] | Sequence[str] | None,
    progress: Progress,
) -> tuple[Space, str]:
    """A Space of the words that are asked about, each the mean of sentences around it; and what to say of it."""
    from kinfold.core.metric import units
    from kinfold.tasks.rows import of_texts, opened

    frames = _templates(templates)
    words = list(dict.fromkeys([*(word for each in asked for word in each.asked()), *(shares or ())]))
    made = opened(thing)
    texts = [frame.replace("{word}", word) for word in words for frame in frames]
    rows, _ = of_texts(made, texts, progress=progress)
    means = units(rows).reshape(len(words), len(frames), -1).mean(axis=1)
    note = (
        f"Each word is the mean of {len(frames)} sentences around it, so that p and intervals count words; "
        "May et al. 2019 count each sentence."
    )
    return Space.of(words, means, group="word"), note


def _templates(templates: str | os.PathLike[str] | Sequence[str] | None) -> list[str]:
    if templates is None or isinstance(templates, str | os.PathLike):
        named = "sentences" if templates is None else templates
        found = read_lists(named).templates
        if not found:
            raise BadOption(f'{named} holds no templates; a file of them has templates = ["This is {{word}}."].')
        return list(found)
    if not templates or any("{word}" not in each for each in templates):
        raise BadOption("templates are sentences with {word} in them, at least one.")
    return list(templates)


def _lists(lists: Lists | Sequence[Lists]) -> list[WordLists]:
    several = [lists] if isinstance(lists, str | os.PathLike | WordLists) else list(lists)
    return [each if isinstance(each, WordLists) else read_lists(each) for each in several]


def _space(thing: Any) -> Space | None:
    """The Space, opened where it is a file; None where the thing is an encoder."""
    if isinstance(thing, Space):
        return thing
    if not isinstance(thing, str | os.PathLike):
        return None
    from kinfold.io import open as open_any
    from kinfold.io.checkpoint import is_checkpoint

    return None if is_checkpoint(thing) else open_any(thing)


def _joined(reports: Sequence[Report]) -> Report:
    if len(reports) == 1:
        return reports[0]
    return Report(
        " · ".join(each.title for each in reports),
        [finding for each in reports for finding in each.findings],
        [table for each in reports for table in each.tables],
        [note for each in reports for note in each.notes],
    )
