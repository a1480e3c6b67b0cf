"""The door: files of any kind become a Report of what is wrong with them."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from kinfold.core.errors import BadData, BadOption
from kinfold.core.files import existing
from kinfold.core.progress import Progress, quiet
from kinfold.core.report import Report, Table
from kinfold.quality.issue import SHOWN, Example, Issue, report
from kinfold.quality.kind import IMAGES, KINDS, Kind, Recognized, recognize, texts_in

# Columns that may be named, by the kinds that have them.
_COLUMNS: dict[Kind, tuple[str, ...]] = {
    "text": ("text", "group"),
    "labeled": ("text", "label", "group"),
    "tags": (),
    "pairs": ("left", "right", "score"),
    "interactions": ("user", "item", "weight", "time"),
    "table": ("label", "group"),
    "images": (),
}


def check(
    files: str | os.PathLike[str] | Sequence[str | os.PathLike[str]],
    *,
    kind: Kind | None = None,
    together: bool = False,
    text: str | None = None,
    label: str | None = None,
    group: str | None = None,
    user: str | None = None,
    item: str | None = None,
    weight: str | None = None,
    time: str | None = None,
    left: str | None = None,
    right: str | None = None,
    score: str | None = None,
    threads: int | None = None,
    seed: int = 0,
    progress: Progress = quiet,
) -> Report:
    r"""Looks at data before anything is learned from it: what is broken, said twice, garbled, skewed, or in two splits.

    Several files are splits: the first is what is learned from, and what a later one shares with an earlier one is
    leakage. Files larger than memory pass through; of each thing a few numbers are kept.

    Args:
        files: A file, or several of one kind: texts and folders of them, tables (.csv .tsv .jsonl .parquet), lines of
            fields, folders or archives of images; text may be packed.
        kind: text, labeled, tags, pairs, interactions, table or images; found out by default, and said.
        together: The files are parts of one whole and no splits.
        text: Column of the texts.
        label: Column of the labels, or of what is to be predicted.
        group: Column of whom or where a row is from: it should stand in one split only, and not outweigh others.
        user: Column of the users of interactions; its number where there is no header.
        item: Column of the items.
        weight: Column of how strongly they met.
        time: Column of when.
        left: Column of the first texts of pairs.
        right: Column of the second ones.
        score: Column of how alike they are.
        threads: How many work at once; as many as there are processors by default.
        seed: Of hashes and samples.
        progress: Told of the stages.

    Returns:
        A finding for each kind of thing that is wrong, with its count; its group is how bad it is: `serious` (it breaks
        learning or makes a judgment worthless), `warning` or `note`. The tables `Examples` and `Ways out` show where,
        and what to do; further ones what the data is like.

    Raises:
        BadFile: A file is missing or cannot be read.
        BadData: A file is of another kind than the others, or of none that can be looked at.
        BadOption: An option is out of its range.
        UnknownName: A table has no such column.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = Path(folder, "a.txt")
        ...     _ = path.write_text("the cat sat on a mat\nthe dog barked all night\nThe cat  sat on a mat\n")
        ...     found = check(path, kind="text", threads=1)
        >>> print(found["texts that stand twice"])
        warning · texts that stand twice: 1 (n = 3)
    """
    if kind is not None and kind not in KINDS:
        raise BadOption(f"kind is '{kind}'; it is one of: {', '.join(KINDS)}.")
    paths = [existing(each) for each in ([files] if isinstance(files, str | os.PathLike) else files)]
    if not paths:
        raise BadOption("there is nothing to check; name a file.")
    if len(set(paths)) < len(paths):
        raise BadOption("a file is named twice; what it shares with itself says nothing. Name each once.")
    values = {"text": text, "label": label, "group": group, "user": user, "item": item}
    values |= {"weight": weight, "time": time, "left": left, "right": right, "score": score}
    given = {name: value for name, value in values.items() if value is not None}
    recognized = [recognize(each, kind, given) for each in paths]
    first = recognized[0]
    for path, other in zip(paths, recognized, strict=True):
        if other.kind != first.kind:
            raise BadData(
                f"{paths[0]} is {first.kind} and {path} is {other.kind}; check each by itself, or say --kind."
            )
    other_kinds = [name for name in given if name not in _COLUMNS[first.kind]]
    if other_kinds:
        takes = " and ".join(_COLUMNS[first.kind]) or "no columns"
        raise BadOption(f"{', '.join(other_kinds)}: {first.kind} has {takes}; say --kind to read it as another.")
    # Images by themselves are no splits.
    together = together or all(each.suffix.lower() in IMAGES for each in paths)
    splits = [0] * len(paths) if together else list(range(len(paths)))
    how: dict[str, Any] = {"threads": threads, "seed": seed, "progress": progress}
    issues, tables, notes = _CHECKS[first.kind](paths, splits, recognized, how)
    if not any(each.severity == "serious" for each in issues):  # what could not be read is told already
        issues = [*issues, *_nothing(tables)]
    if group is None:  # a column that is called as groups are may be met in all splits, and rightly so
        issues = [_milder(each) if "of groups that" in each.name else each for each in issues]
    told = f"{paths[0]} is read as {first.kind}: {first.why}. Say --kind to read it as another."
    if len(paths) > 1:
        told += (
            " The files are parts of one whole." if together else " The files are splits; the first is learned from."
        )
    title = f"Check of {', '.join(each.name for each in paths)}"
    return report(title, issues, tables, [told, *notes])


def _nothing(tables: Sequence[Table]) -> list[Issue]:
    """Files in which nothing stands: what else is not found in them says nothing."""
    files = [row for table in tables if table.title == "Files" for row in table.rows]
    bare = [Example(str(name), "") for name, count, *_ in files if not count]
    fix = "was it written to its end? Fetch or make it again"
    return [Issue("files in which nothing stands", "serious", len(bare), len(files), bare[:SHOWN], fix)]


def _milder(issue: Issue) -> Issue:
    return dataclasses.replace(issue, severity="warning")


Checked = tuple[list[Issue], list[Table], list[str]]


def _texts(paths: list[Path], splits: list[int], found: list[Recognized], how: dict[str, Any]) -> Checked:
    from kinfold.quality import parts as files
    from kinfold.quality.texts import TextCheck
    from kinfold.sources.labeled import PREFIX

    parts = []
    own = []
    for path, each, split in zip(paths, found, splits, strict=True):
        inner = texts_in(path) if path.is_dir() else [path]
        own += [split] * len(inner)
        if path.is_dir():
            parts += [files.of_lines(one) for one in inner]
            continue
        column = each.columns.get("text")
        if column is not None:
            parts.append(files.of_column(path, column, each.columns.get("label"), each.columns.get("group")))
        elif each.kind == "tags":
            parts.append(files.of_tags(path))
        elif each.kind == "labeled":
            parts.append(files.of_lines(path, PREFIX if PREFIX in each.why else ""))
        else:
            parts.append(files.of_lines(path))
    tags = found[0].kind == "tags"
    empty = tags or "text" in found[0].columns or found[0].kind == "labeled"
    what: dict[str, Any] = {"things": "sentences" if tags else "texts", "empty_is_bad": empty, "classes": not tags}
    checked = TextCheck(parts, own, **what, **how)
    issues, tables = checked.run()
    return issues, tables, checked.notes


def _pairs(paths: list[Path], splits: list[int], found: list[Recognized], how: dict[str, Any]) -> Checked:
    from kinfold.quality.pairs import check_pairs

    return check_pairs(paths, splits, [each.columns for each in found], **how)


def _interactions(paths: list[Path], splits: list[int], found: list[Recognized], how: dict[str, Any]) -> Checked:
    from kinfold.quality.interactions import check_interactions

    return check_interactions(paths, splits, [each.columns for each in found], how["progress"])


def _table(paths: list[Path], splits: list[int], found: list[Recognized], how: dict[str, Any]) -> Checked:
    from kinfold.quality.tables import check_tables

    return check_tables(paths, splits, found[0].columns, how["progress"])


def _images(paths: list[Path], splits: list[int], found: list[Recognized], how: dict[str, Any]) -> Checked:
    from kinfold.quality.images import check_images

    return check_images(paths, splits, how["threads"], how["progress"])


_CHECKS = {
    "text": _texts,
    "labeled": _texts,
    "tags": _texts,
    "pairs": _pairs,
    "interactions": _interactions,
    "table": _table,
    "images": _images,
}
