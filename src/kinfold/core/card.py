"""Where a Space comes from: enough to redo the work, and what was measured since."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from kinfold.core.codes import Codes
from kinfold.core.errors import BadData
from kinfold.core.report import Report


@dataclass(frozen=True, slots=True)
class Card:
    """The history of a Space.

    Args:
        frame: Names the coordinate system; rows of two frames are never compared.
        method: The learner's name, or `file` for vectors that came from elsewhere.
        parameters: All of the learner's fields.
        seed: Of the fit; None where nothing was drawn.
        data: Fingerprint of what it was fitted on: counts and a hash.
        steps: What was done since, oldest first; each names itself under `step`.
        reports: What was measured.
    """

    frame: str
    method: str
    parameters: Mapping[str, Any] = field(default_factory=dict)
    seed: int | None = None
    data: Mapping[str, Any] = field(default_factory=dict)
    steps: Sequence[Mapping[str, Any]] = ()
    reports: Sequence[Report] = ()

    def then(self, step: str, *, frame: str | None = None, **details: Any) -> Card:
        """The card after one more step; its frame is kept unless another is given."""
        return dataclasses.replace(self, frame=frame or self.frame, steps=(*self.steps, {"step": step, **details}))

    def with_report(self, report: Report) -> Card:
        """The card with this report in the place of an earlier one of the same title."""
        others = tuple(each for each in self.reports if each.title != report.title)
        return dataclasses.replace(self, reports=(*others, report))

    def to_json(self) -> str:
        """One line of JSON."""
        values = {name: getattr(self, name) for name in self.__slots__}
        values["reports"] = [report.to_dict() for report in self.reports]
        return json.dumps(values, ensure_ascii=False, default=_plain)

    @classmethod
    def from_json(cls, text: str | bytes) -> Card:
        """The inverse of `to_json`; fields that a newer version added are passed over.

        Raises:
            BadData: The text is not a card.
        """
        try:
            values = json.loads(text)
            known = {name: values[name] for name in cls.__slots__ if name in values}
            known["reports"] = tuple(Report.from_dict(each) for each in values.get("reports", ()))
            known["steps"] = tuple(values.get("steps", ()))
            return cls(**known)
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise BadData(
                f"the card is damaged ({error!r}); the vectors can still be read with any Arrow library."
            ) from error


def born(method: str, rows: np.ndarray | Codes) -> str:
    """The name of a new frame, from the rows (n, d) that define it.

    Hashes the shape and at most 4,096 rows spread evenly: two independent fits differ in every row.
    """
    step = max(1, len(rows) // 4096)
    digest = hashlib.blake2b(str(rows.shape).encode(), digest_size=8)
    digest.update(np.ascontiguousarray(rows[::step]).tobytes())
    return f"{method}-{digest.hexdigest()}"


def _plain(value: Any) -> Any:
    if isinstance(value, np.generic | np.ndarray):
        return value.tolist()
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return dataclasses.asdict(value)
    return str(value)
