"""Clean data of each kind, in which tests plant faults."""

from __future__ import annotations

import random

from kinfold.core.report import Report

WORDS = (  # noqa: SIM905 - a list of words is read as one
    "river stone window garden teacher market silver evening station letter mountain kitchen engine harbor "
    "candle orchard bridge winter summer painter doctor soldier valley forest island hammer basket feather"
).split()
FRENCH = [
    "je ne sais pas ce que vous avez dit dans la maison de ma mère",
    "il est trop tard pour le faire, et nous ne sommes pas dans la ville",
    "les enfants ont vu que le chat était sur le toit avec une souris",
    "mais elle ne peut pas venir, parce que son frère est à la gare",
]
RUSSIAN = [
    "я не знаю, что вы сказали в доме моей матери",
    "но было уже поздно, и он не мог это сделать для них",
    "если бы она была в городе, мы бы все это так и узнали",
]


def sentences(count: int, seed: int = 0) -> list[str]:
    """English texts that are all different."""
    rng = random.Random(seed)

    def some() -> str:
        return rng.choice(WORDS)

    return [
        f"the {some()} and the {some()} that was in the {some()} of the {some()} {number} had to be with a {some()}"
        for number in range(count)
    ]


def found(report: Report) -> dict[str, tuple[str, int]]:
    """What a report found: how bad and how often."""
    return {each.name: (each.group, int(each.value)) for each in report}


def places(report: Report, name: str) -> list[tuple[str, str]]:
    """Where something was found, and what stands there."""
    table = next(each for each in report.tables if each.title == "Examples")
    return [(row[1], row[2]) for row in table.rows if row[0] == name]


def table(report: Report, title: str) -> list[list[object]]:
    """The rows of a table."""
    return [list(row) for row in next(each for each in report.tables if each.title == title).rows]
