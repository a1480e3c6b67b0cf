"""Successive halving: all settings are judged on a small budget, the better ones on a larger one."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from kinfold.core.errors import BadData, BadOption


class Quality(NamedTuple):
    """What a setting is worth.

    Args:
        value: On what was held out; NaN is worse than any number.
        low: Lower end of its 95 % interval, None where there is none.
        high: Upper end.
        n: How many observations it rests on.
        fitted: The same measure on what was learned from, None where nobody asked.
    """

    value: float
    low: float | None = None
    high: float | None = None
    n: int | None = None
    fitted: float | None = None


@dataclass(frozen=True, slots=True)
class Trial:
    """One setting that was judged.

    Args:
        setting: Its options.
        rung: Round in which it was judged, from 1; None for what was judged beside them.
        budget: What it could spend.
        quality: What it is worth.
    """

    setting: Mapping[str, Any]
    rung: int | None
    budget: int
    quality: Quality


def rungs(count: int, budget: int, *, eta: int = 3) -> list[tuple[int, int]]:
    """How many settings each rung judges, and on which budget; the last rung has all of it.

    Args:
        count: Settings of the first rung.
        budget: The whole budget of one setting.
        eta: Of a rung's settings 1/eta go on, to eta times the budget.

    Raises:
        BadOption: `count` or `budget` is below 1, or `eta` below 2.

    Example:
        >>> rungs(15, 16)
        [(15, 2), (5, 5), (2, 16)]
        >>> rungs(15, 1)
        [(15, 1)]
    """
    for name, value, least in (("count", count, 1), ("budget", budget, 1), ("eta", eta, 2)):
        if value < least:
            raise BadOption(f"{name} is {value}; it is at least {least}.")
    last = 0
    while eta ** (last + 1) <= min(count, budget):
        last += 1
    found = []
    for rung in range(last + 1):
        found.append((count, round(budget / eta ** (last - rung))))
        count = math.ceil(count / eta)
    return found


def halving(
    settings: Sequence[Mapping[str, Any]],
    judge: Callable[[Mapping[str, Any], int], Quality],
    *,
    budget: int,
    eta: int = 3,
    larger: bool = True,
) -> list[Trial]:
    """Judges all settings on a small budget, and again on a larger one those that were among the best.

    Args:
        settings: What is chosen from; of equals the first goes on.
        judge: Tells what a setting is worth on a budget.
        budget: The whole budget of one setting: epochs, observations … A budget of 1 judges each of them once.
        eta: Of a rung's settings 1/eta go on, to eta times the budget.
        larger: Whether a larger value is a better one.

    Returns:
        All that was judged, in that order.

    Raises:
        BadOption: There is no setting, `budget` is below 1, or `eta` below 2.

    Source:
        Jamieson, Talwalkar 2016 (arXiv 1502.07943); the budgets grow as in Li et al. 2018 (Hyperband).
    """
    if not settings:
        raise BadOption("there is no setting to choose from; give at least one.")
    left, trials = list(settings), []
    for rung, (count, spent) in enumerate(rungs(len(left), budget, eta=eta), start=1):
        judged = [Trial(each, rung, spent, judge(each, spent)) for each in left[:count]]
        trials += judged
        left = [each.setting for each in ranked(judged, larger=larger)]
    return trials


def ranked(trials: Sequence[Trial], *, larger: bool = True) -> list[Trial]:
    """The best first; equals stay in their order, and what has no number comes last."""

    def place(each: Trial) -> tuple[bool, float]:
        value = each.quality.value
        return math.isnan(value), 0.0 if math.isnan(value) else -value if larger else value

    return sorted(trials, key=place)


def best(trials: Sequence[Trial], *, larger: bool = True) -> Trial:
    """The best of those that were judged on the largest budget, the first of equals.

    Raises:
        BadData: There is none, or none of these has a number.
    """
    most = max((each.budget for each in trials), default=0)
    found = next(iter(ranked([each for each in trials if each.budget == most], larger=larger)), None)
    if found is None or math.isnan(found.quality.value):
        raise BadData("no setting that was judged on the whole budget has a number; nothing can be chosen.")
    return found
