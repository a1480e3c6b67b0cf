"""Restrict: the frequent part of a vocabulary."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace

import numpy as np

from kinfold.core.errors import BadData, BadOption
from kinfold.core.frequency import counts, most_frequent
from kinfold.core.space import Space


@dataclass(frozen=True, slots=True)
class Restrict:
    """Only the rows of a group that are frequent, or fulfill a condition; the others keep their order and the frame.

    Other groups are kept whole, since the rows of n-grams are what unseen words are made of, and items do not leave
    because users do; `alone` leaves them out.

    Args:
        top: Only so many rows, the most frequent ones by the attribute `count`; the first ones where there is none.
        min_count: Only rows whose attribute `count` is at least this.
        where: Only rows that fulfill an SQL condition on key, group and attributes.
        group: Whose rows; the first group where it is None.
        alone: Whether other groups are left out.

    Raises:
        BadOption: There is nothing to restrict by, a field outside its range, a bad condition, or `min_count` for a
            Space whose keys have no attribute `count`.
        BadData: No row is left.
        UnknownName: There is no such group.

    Source:
        Mikolov et al. 2013, who ask for analogies among the 30,000 most frequent words.

    Example:
        >>> space = Space.of(["a", "b", "c"], [[1, 0], [0, 1], [1, 1]]).with_attribute("count", [5, 1, 9])
        >>> list(Restrict(top=2).apply(space).keys)
        ['a', 'c']
    """

    top: int | None = None
    min_count: float | None = None
    where: str | None = None
    group: str | None = None
    alone: bool = False

    def __post_init__(self) -> None:
        if self.top is None and self.min_count is None and self.where is None and not self.alone:
            raise BadOption("there is nothing to restrict by; give top, min_count, where, or alone.")
        if self.top is not None and (not isinstance(self.top, int | np.integer) or self.top < 1):
            raise BadOption(f"top is {self.top!r}; it is a number of rows, at least 1.")

    def apply(self, space: Space) -> Space:
        """The part of the Space, copied."""
        part = space.group(self.group)
        name = next(iter(part.groups))
        members = space.keys.range_of(name)
        kept = np.ones(len(part), bool)
        if self.min_count is not None:
            often = counts(part)
            if often is None:
                raise BadOption(
                    "min_count needs how often keys occur, but this Space has no numbers as attribute 'count'; "
                    "use top, which then takes the first rows."
                )
            kept &= often >= self.min_count
        if self.where is not None:
            rows = space.where(self.where)
            fulfilled = np.zeros(len(space), bool)
            fulfilled[rows] = True
            kept &= fulfilled[members.start : members.stop]
        order, ranked_by = most_frequent(part)
        chosen = np.sort(order[kept[order]][: self.top]) + members.start
        if not len(chosen):
            raise BadData(
                f"none of the {len(part):,} rows of '{name}' fulfills this; restrict less, see `kinfold info`."
            )
        others = (
            []
            if self.alone
            else [np.arange(each.start, each.stop) for each in space.groups.values() if each != members]
        )
        taken = space.take(np.sort(np.concatenate([chosen, *others])))
        step = {**asdict(self), "group": name, "ranked": ranked_by, "kept": len(chosen), "of": len(part)}
        return replace(taken, card=space.card.then("restrict", **step))
