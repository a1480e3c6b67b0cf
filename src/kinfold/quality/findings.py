"""What several kinds of data are asked alike: what could not be read, and groups that dominate or are in two splits."""

from __future__ import annotations

import collections
from collections.abc import Sequence

from kinfold.quality.fields import BAD_BYTES, Broken
from kinfold.quality.issue import Example, Issue, share

_GROUP_SHARE = 0.25


def broken_issues(parts: Sequence[tuple[str, Broken]], total: int) -> list[Issue]:
    """What could not be read of files."""
    issues = []
    cut = [(name, broken.file) for name, broken in parts if broken.file]
    if cut:
        shown = [Example(name, told.removeprefix(f"{name}: ")) for name, told in cut]
        fix = "fetch the file again, or convert it as it says; only what stands before was looked at"
        issues.append(Issue("files that cannot be read to their end", "serious", len(cut), len(parts), shown, fix))
    kinds = dict.fromkeys(kind for _, broken in parts for kind in broken.counts)
    for kind in kinds:
        count = sum(broken.counts[kind] for _, broken in parts)
        shown = [each for _, broken in parts for each in broken.items.get(kind, ())]
        fix = (
            "convert the file: iconv -f LATIN1 -t UTF-8 FILE > utf8.txt, or say --encoding where a command takes it"
            if kind == BAD_BYTES
            else "correct or drop them; commands that take --on-bad skip leave them out"
        )
        issues.append(Issue(kind, "serious", count, total + (0 if kind == BAD_BYTES else count), shown, fix))
    return issues


def group_issues(splits: dict[str, collections.Counter[str]], things: str) -> list[Issue]:
    """Groups that stand in two splits, and one that dominates the first."""
    issues = []
    (first, counts), *others = splits.items()
    total = sum(counts.values())
    name, most = counts.most_common(1)[0] if counts else ("", 0)
    if len(counts) > 1 and most >= _GROUP_SHARE * total and most >= 3 * total / len(counts):
        shown = [Example(first, f"'{name}': {most:,} of {total:,}, {share(most, total)}")]
        fix = "take fewer of it: what is learned is mostly about this one"
        issues.append(Issue(f"{things} of one group that dominates", "warning", most, total, shown, fix))
    for other, more in others:
        both = [each for each in more if each in counts]
        if both:
            shown = [Example(other, f"'{each}': {more[each]:,} here, {counts[each]:,} in {first}") for each in both]
            fix = "divide by group, so that each stands in one file only"
            rows = sum(more[each] for each in both)
            issues.append(
                Issue(f"{things} of groups that an earlier file has", "serious", rows, more.total(), shown, fix)
            )
    return issues
