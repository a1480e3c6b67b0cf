"""Whether the classes of labeled things are balanced, and known where they are asked for."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from kinfold.core.report import Table
from kinfold.quality.issue import Example, Issue, share

# Examples of a class below which it is called rare, and the share from which one class outweighs the others.
_RARE, _HEAVY = 5, 0.9
_LISTED = 30
_SIGNS = re.compile(r"[\s._-]+")


def balance(splits: Mapping[str, Mapping[str, int]], things: str) -> tuple[list[Issue], list[Table]]:
    """Issues of classes, and how often each is met.

    Args:
        splits: Of each file how often each label is met in it; the first is what is learned from.
        things: What is labeled: `texts`, `rows`, `images`.
    """
    first, *others = splits
    counts = dict(sorted(splits[first].items(), key=lambda each: -each[1]))
    total = sum(counts.values())
    if not counts:
        return [], []
    issues = []
    heaviest, most = next(iter(counts.items()))
    where = Example(first, f"'{heaviest}': {most:,} of {total:,}, {share(most, total)}")
    if len(counts) == 1:
        issues.append(
            Issue(
                f"{things} of the only class", "serious", total, total, [where], "nothing can be told apart: add others"
            )
        )
    elif most > _HEAVY * total:
        issues.append(
            Issue(
                f"{things} of one class that outweighs all others",
                "warning",
                most,
                total,
                [where],
                f"accuracy of {share(most, total)} is what always guessing it gets: judge by F1 and by class",
            )
        )
    rare = {name: count for name, count in counts.items() if count < _RARE}
    if rare and len(counts) > 1:
        shown = [Example(first, f"'{name}': {count:,}") for name, count in rare.items()]
        fix = "join them with others, leave them out, or collect more: what is this rare is neither learned nor judged"
        issues.append(Issue(f"classes of fewer than {_RARE} {things}", "warning", len(rare), len(counts), shown, fix))
    for other in others:
        new = [name for name in splits[other] if name not in counts]
        if new:
            shown = [Example(other, f"'{name}': {splits[other][name]:,}{_near(name, counts)}") for name in new]
            missing = sum(splits[other][name] for name in new)
            issues.append(
                Issue(
                    f"{things} of classes that {first} has not",
                    "serious",
                    missing,
                    sum(splits[other].values()),
                    shown,
                    "write labels alike in all files, or leave these out: no learner can tell what it has never met",
                )
            )
    lines = [
        [name, *(splits[each].get(name, 0) for each in splits), count / total]
        for name, count in list(counts.items())[:_LISTED]
    ]
    title = "Classes" if len(counts) <= _LISTED else f"The {_LISTED} most frequent of {len(counts):,} classes"
    return issues, [Table(title, ("class", *splits, "share of the first" if others else "share"), lines)]


def _near(name: str, known: Sequence[str] | Mapping[str, int]) -> str:
    near = next((each for each in known if _plain(each) == _plain(name)), None)
    return "" if near is None else f" (there is '{near}')"


def _plain(name: str) -> str:
    """A name without case, white space and points."""
    return _SIGNS.sub("", name.lower())
