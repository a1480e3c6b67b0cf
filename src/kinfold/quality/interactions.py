"""Interactions: broken rows, what is met again, who outweighs all others, machines, and splits that know the future."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from kinfold.core.errors import UnknownName, did_you_mean
from kinfold.core.progress import Progress
from kinfold.core.report import Table
from kinfold.quality.fields import Batch, Broken, Form, Rows, form_of, head_of, lines_of, whole
from kinfold.quality.findings import broken_issues
from kinfold.quality.issue import SHOWN, Example, Issue, Severity, of_leakage, share
from kinfold.quality.store import Store, quoted, store

# Share of all interactions that one user or item has, from which it dominates, and how many times the usual that is.
_DOMINATES, _TIMES = 0.1, 20
# A machine: so many times the 99th percentile of users, or so many steps of which nearly all are the same.
_BUSY, _MANY, _STEADY = 10, 1_000, 0.9
_STEPS = 50
_FEW = 5
_BATCH = 100_000
_NUMBER = "try_cast(trim({}) AS DOUBLE)"
_TIME = "coalesce(try_cast(trim({0}) AS DOUBLE), epoch(try_cast(trim({0}) AS TIMESTAMP)))"


def check_interactions(
    paths: Sequence[Path], splits: Sequence[int], columns: Sequence[Mapping[str, str]], progress: Progress
) -> tuple[list[Issue], list[Table], list[str]]:
    """Looks at who met what, in one file or several splits.

    Raises:
        UnknownName: A file has no column of a name.
    """
    progress.start("read", len(paths), "files")
    with store() as kept:
        broken = []
        for at, (path, named) in enumerate(zip(paths, columns, strict=True)):
            broken.append((str(path), _add(kept, at, path, named)))
            progress.advance(1)
        check = _Check(kept, [str(each) for each in paths], list(splits), columns[0])
        issues = [*broken_issues(broken, check.total), *check.rows(), *check.again(), *check.dominating()]
        issues += [*check.machines(), *check.rare(), *check.leaking()]
        return issues, check.tables(), []


def _add(kept: Store, at: int, path: Path, named: Mapping[str, str]) -> Broken:
    """The rows of a file as a table of users, items, weights and times."""
    if named:
        rows = Rows(path, _form(path, named))
        for what in ("user", "item", "weight", "time"):
            column = named.get(what)
            if column is not None and column not in rows.names:
                near = did_you_mean(column, rows.names)
                raise UnknownName(f"{path}: has no column '{column}'.{near} It has: {', '.join(rows.names)}.")
        broken = rows.broken
        kept.add(f"raw{at}", rows.names, rows.batches())
    else:
        broken = Broken()
        kept.add(f"raw{at}", ("user", "item"), _sequences(path, broken))
        named = {"user": "user", "item": "item"}
    weight, time = (quoted(named[name]) if name in named else "NULL" for name in ("weight", "time"))
    who, what = quoted(named["user"]), quoted(named["item"])
    kept.ask(
        f"CREATE TABLE met{at} AS SELECT _place AS place, nullif(trim({who}), '') AS who, "
        f"nullif(trim({what}), '') AS what, {weight} AS said_weight, {time} AS said_time, "
        f"{_NUMBER.format(weight) if weight != 'NULL' else 'NULL'} AS weight, "
        f"{_TIME.format(time) if time != 'NULL' else 'NULL'} AS time FROM raw{at}"
    )
    kept.ask(f"DROP TABLE raw{at}")
    return broken


def _form(path: Path, named: Mapping[str, str]) -> Form | None:
    """How a file's lines are divided, where its name does not say it."""
    found = form_of(path, head_of(path))
    if found is None or not found.header or not all(each.isdecimal() for each in named.values()):
        return found
    return Form(found.separator, tuple(map(str, range(1, len(found.names) + 1))), False)


def _sequences(path: Path, broken: Broken) -> Iterator[Batch]:
    """The pairs of lines `user item item …`."""
    users: list[str] = []
    items: list[str] = []
    places: list[int] = []

    def batch() -> Batch:
        columns = {"user": pa.array(users, pa.large_string()), "item": pa.array(items, pa.large_string())}
        return Batch(np.array(places, np.int64), columns)

    for number, line in whole(broken, enumerate(lines_of(path, broken), 1)):
        who, *met = line.split() or [""]
        if who and not met:
            broken.add("lines of a user without an item", f"{path} line {number:,}", line)
        users += [who] * len(met)
        items += met
        places += [number] * len(met)
        if len(users) >= _BATCH:
            yield batch()
            users, items, places = [], [], []
    if users:
        yield batch()


class _Check:
    """Asks the store what is wrong.

    Args:
        kept: A table `met<number>` for each file.
        names: Of the files.
        splits: Which split each belongs to.
        columns: Which column of the first file is what.
    """

    def __init__(self, kept: Store, names: Sequence[str], splits: Sequence[int], columns: Mapping[str, str]) -> None:
        self._kept, self._names = kept, names
        self._unit = "row" if columns else "line"
        self._weighted, self._timed = "weight" in columns, "time" in columns
        every = " UNION ALL ".join(
            f"SELECT {at} AS file, {split} AS split, rowid AS number, * FROM met{at}" for at, split in enumerate(splits)
        )
        kept.ask(f"CREATE VIEW said AS {every}")
        good = "who IS NOT NULL AND what IS NOT NULL"
        kept.ask(f"CREATE VIEW met AS SELECT * FROM said WHERE {good}")
        self.total = int(kept.one("SELECT count(*) FROM said")[0])
        self._splits = sorted(set(splits))
        for side, column in (("users", "who"), ("items", "what")):
            kept.ask(f"CREATE TABLE {side} AS SELECT {column} AS name, count(*) AS often FROM met GROUP BY ALL")

    def _where(self, file: int, place: int) -> str:
        return f"{self._names[file]} {self._unit} {place:,}"

    def _issue(self, name: str, severity: Any, condition: str, shown: str, fix: str, table: str = "said") -> Issue:
        """Rows that fulfill a condition."""
        count = int(self._kept.one(f"SELECT count(*) FROM {table} WHERE {condition}")[0])
        query = f"SELECT file, place, {shown} FROM {table} WHERE {condition} ORDER BY file, place LIMIT {SHOWN}"
        found = self._kept.ask(query) if count else []
        examples = [Example(self._where(file, place), str(told)) for file, place, told in found]
        return Issue(name, severity, count, self.total, examples, fix)

    def rows(self) -> list[Issue]:
        """Rows that are no interaction."""
        skip = "correct or drop them, or pass --on-bad skip to kinfold learn items"
        lost = "who IS NULL OR what IS NULL"
        shown = "concat('user ', coalesce(who, '(none)'), ', item ', coalesce(what, '(none)'))"
        issues = [self._issue("rows without a user or an item", "serious", lost, shown, skip)]
        if self._weighted:
            bad = "weight IS NULL OR isnan(weight) OR isinf(weight) OR weight < 0"
            name = "weights that are no finite number of at least 0"
            issues.append(self._issue(name, "serious", bad, "coalesce(said_weight, '(none)')", skip))
            kinds = self._kept.ask("SELECT DISTINCT weight FROM met WHERE weight IS NOT NULL LIMIT 2")
            if len(kinds) == 1 and self.total > 1:
                shown_weight = [Example(self._names[0], f"weight {kinds[0][0]:g}")]
                fix = "they say nothing: leave --weight out"
                issues.append(Issue("weights that are all the same", "note", self.total, self.total, shown_weight, fix))
        if self._timed:
            name = "times that are no number or date"
            issues.append(
                self._issue(
                    name, "serious", "time IS NULL OR isnan(time) OR isinf(time)", "coalesce(said_time, '(none)')", skip
                )
            )
            kinds = self._kept.ask("SELECT DISTINCT time FROM met WHERE time IS NOT NULL LIMIT 2")
            if len(kinds) == 1 and self.total > 1:
                fix = "they tell no order: leave --time out, and do not split by time"
                shown_time = [Example(self._names[0], f"time {kinds[0][0]:.0f}")]
                issues.append(Issue("times that are all the same", "warning", self.total, self.total, shown_time, fix))
        return issues

    def again(self) -> list[Issue]:
        """Rows that stand twice, and two who meet again."""
        turns = ", ".join(
            f"row_number() OVER (PARTITION BY split, {same} ORDER BY file, number) AS {name}"
            for name, same in (("turn", "who, what"), ("copy", "who, what, weight, time"))
        )
        table = "turns"
        self._kept.ask(f"CREATE TABLE {table} AS SELECT *, {turns} FROM met QUALIFY turn > 1")
        shown = "concat(who, ' met ', what, coalesce(concat(', weight ', said_weight), ''), "
        shown += "coalesce(concat(', time ', said_time), ''))"
        fix = "leave all but one out: the same row twice is a slip of whoever wrote the file"
        twice = self._issue("rows that stand twice", "warning", "copy > 1", shown, fix, table)
        fix = "kinfold learn items adds their weights up; say --repeated last where the last one counts"
        name = "interactions of two who met before"
        return [twice, self._issue(name, "note", "turn > 1 AND copy = 1", shown, fix, table)]

    def dominating(self) -> list[Issue]:
        """A user or an item that has a large part of all."""
        issues = []
        for side in ("users", "items"):
            count, middle = self._kept.one(f"SELECT count(*), coalesce(median(often), 0) FROM {side}")
            found = self._kept.ask(
                f"SELECT name, often FROM {side} WHERE often >= {_DOMINATES} * {self.total} "
                f"AND often >= {_TIMES} * {middle} ORDER BY often DESC, name"
            )
            if not found or count < 3:
                continue
            total = sum(often for _, often in found)
            shown = [
                Example(f"{side[:-1]} {name}", f"{often:,} of {self.total:,}, {share(often, self.total)}")
                for name, often in found
            ]
            fix = "a machine, a shared account, a default? Leave it out, or take a part of it"
            if side == "items":
                fix = "what everybody meets tells nobody apart: leave it out, or --weighting bm25 or tfidf"
            issues.append(Issue(f"interactions of {side} that dominate", "warning", total, self.total, shown, fix))
        return issues

    def machines(self) -> list[Issue]:
        """Users that no person is: far busier than the busiest percent, or in step with a clock."""
        usual = self._kept.one("SELECT coalesce(quantile_cont(often, 0.99), 0) FROM users")[0]
        busy = self._kept.ask(
            f"SELECT name, often FROM users WHERE often >= {_MANY} AND often >= {_BUSY} * {usual} "
            "ORDER BY often DESC, name"
        )
        why = {
            name: f"{often:,} interactions, {often / usual:.0f} times the 99th percentile of users"
            for name, often in busy
        }
        if self._timed:
            steady = self._kept.ask(
                "WITH steps AS (SELECT who, time - lag(time) OVER (PARTITION BY who ORDER BY time) AS step FROM met), "
                "each AS (SELECT who, step, count(*) AS often FROM steps WHERE step > 0 GROUP BY ALL) "
                f"SELECT who, max(often), sum(often), arg_max(step, often) FROM each GROUP BY who "
                f"HAVING sum(often) >= {_STEPS} AND max(often) >= {_STEADY} * sum(often) ORDER BY who"
            )
            for who, same, steps, step in steady:
                why.setdefault(who, f"{same:,} of its {steps:,} steps take exactly {step:g}")
        if not why:
            return []
        total = int(self._kept.one("SELECT count(*) FROM users")[0])
        shown = [Example(f"user {who}", told) for who, told in why.items()]
        fix = "leave them out: what a machine does is no taste"
        return [Issue("users that look like machines", "warning", len(why), total, shown, fix)]

    def rare(self) -> list[Issue]:
        """Users and items of whom little is known."""
        issues = []
        for side in ("users", "items"):
            few, count = self._kept.one(f"SELECT count(*) FILTER (often < {_FEW}), count(*) FROM {side}")
            if few > 0.2 * count and count >= 20:
                held = self._kept.one(f"SELECT coalesce(sum(often) FILTER (often < {_FEW}), 0) FROM {side}")[0]
                shown = [
                    Example(
                        self._names[0],
                        f"{share(few, count)} of {side} have {share(int(held), self.total)} of all interactions",
                    )
                ]
                fix = f"their rows rest on little: --{side[:-1]}-features give them more (als), or leave them out"
                issues.append(Issue(f"{side} of fewer than {_FEW} interactions", "note", few, count, shown, fix))
        return issues

    def leaking(self) -> list[Issue]:
        """What a later split shares with an earlier one, and what the first knows of the future."""
        issues: list[Issue] = []
        if len(self._splits) < 2:
            return issues
        later = int(self._kept.one("SELECT count(*) FROM met WHERE split > 0")[0])
        same = "a.who = b.who AND a.what = b.what" + (" AND a.time = b.time" if self._timed else "")
        query = f"FROM met a WHERE a.split > 0 AND EXISTS (SELECT 1 FROM met b WHERE b.split < a.split AND {same})"
        count = int(self._kept.one(f"SELECT count(*) {query}")[0])
        if count:
            rows = self._kept.ask(
                f"SELECT a.file, a.place, a.who, a.what {query} ORDER BY a.file, a.place LIMIT {SHOWN}"
            )
            shown = [Example(self._where(file, place), f"user {who} met {what}") for file, place, who, what in rows]
            fix = "take them out of one of the files: what was learned from cannot judge"
            name = "interactions of a later file that an earlier one has"
            issues.append(Issue(name, of_leakage(count, later), count, later, shown, fix))
        if self._timed:
            first = "(SELECT who, min(time) AS begins FROM met WHERE split > 0 GROUP BY who)"
            query = f"FROM met a JOIN {first} b ON a.who = b.who WHERE a.split = 0 AND a.time > b.begins"
            count = int(self._kept.one(f"SELECT count(*) {query}")[0])
            if count:
                told = "a.file, a.place, a.who, a.time, b.begins"
                rows = self._kept.ask(f"SELECT {told} {query} ORDER BY a.file, a.place LIMIT {SHOWN}")
                shown = [
                    Example(
                        self._where(file, place),
                        f"user {who} at {_moment(time)}, while later files begin at {_moment(begins)}",
                    )
                    for file, place, who, time, begins in rows
                ]
                of = int(self._kept.one("SELECT count(*) FROM met WHERE split = 0")[0])
                fix = "divide by time: kinfold evaluate --split time; else it has seen the end of what it is judged on"
                name = "interactions of the first file that are later than the user's first in another"
                issues.append(Issue(name, "serious", count, of, shown, fix))
        for side, column in (("user", "who"), ("item", "what")):
            query = f"FROM met a WHERE a.split > 0 AND a.{column} NOT IN (SELECT {column} FROM met WHERE split = 0)"
            count = int(self._kept.one(f"SELECT count(*) {query}")[0])
            if count:
                rows = self._kept.ask(
                    f"SELECT a.file, a.place, a.{column} {query} ORDER BY a.file, a.place LIMIT {SHOWN}"
                )
                shown = [Example(self._where(file, place), f"{side} {name}") for file, place, name in rows]
                fix = "they have no row: judge them apart, or learn --item-features and --user-features"
                name = f"interactions of later files with {side}s that the first has not"
                severity: Severity = "warning" if count > 0.2 * later else "note"
                issues.append(Issue(name, severity, count, later, shown, fix))
        return issues

    def tables(self) -> list[Table]:
        """How many there are, and how they are spread."""
        lines = []
        for file, name in enumerate(self._names):
            timed = "min(time), max(time)" if self._timed else "NULL, NULL"
            often, users, items, begin, end = self._kept.one(
                f"SELECT count(*), count(DISTINCT who), count(DISTINCT what), {timed} FROM met WHERE file = {file}"
            )
            density = often / (users * items) if users and items else 0.0
            moments = [_moment(begin), _moment(end)] if self._timed else []
            lines.append([name, often, users, items, density, *moments])
        header = ["file", "interactions", "users", "items", "density", *(["first", "last"] if self._timed else [])]
        spread = []
        for side in ("users", "items"):
            counts = np.array(
                [row[0] for row in self._kept.ask(f"SELECT often FROM {side} ORDER BY often")], np.float64
            )
            if not len(counts):
                continue
            top = counts[-max(1, len(counts) // 100) :].sum() / counts.sum()
            name, most = self._kept.one(f"SELECT name, often FROM {side} ORDER BY often DESC, name LIMIT 1")
            few = int(np.count_nonzero(counts < _FEW))
            spread.append([side, len(counts), float(np.median(counts)), few, gini(counts), top, name, most])
        columns = ("side", "how many", "median", f"fewer than {_FEW}", "Gini", "share of the top 1 %", "most", "it has")
        return [Table("Files", header, lines), Table("How interactions are spread", columns, spread)]


def gini(counts: np.ndarray) -> float:
    """Gini coefficient of counts (n,) that ascend: 0 where all are the same, near 1 where one has all.

    Example:
        >>> gini(np.array([1.0, 1.0, 1.0])), gini(np.array([0.0, 0.0, 0.0, 8.0]))
        (0.0, 0.75)
    """
    places = np.arange(1, len(counts) + 1)
    total = counts.sum()
    return (
        float(max(0.0, 2 * (places * counts).sum() / (len(counts) * total) - (len(counts) + 1) / len(counts)))
        if total
        else 0.0
    )


def _moment(time: float | None) -> str:
    """A time as a date, where it is seconds since 1970."""
    import datetime

    if time is None or not np.isfinite(time):
        return "–"
    if not 1e8 <= time < 1e11:
        return f"{time:g}" if time < 1e8 else f"{time:.0f}"
    return datetime.datetime.fromtimestamp(time, datetime.UTC).strftime("%Y-%m-%d %H:%M:%S")
