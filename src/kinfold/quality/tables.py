"""Tables: broken rows, columns that say nothing or everything, values of mixed kinds, and rows in two splits."""

from __future__ import annotations

import collections
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kinfold.core.errors import UnknownName, did_you_mean
from kinfold.core.progress import Progress
from kinfold.core.report import Table
from kinfold.quality.classes import balance
from kinfold.quality.fields import Rows, form_of, head_of
from kinfold.quality.findings import broken_issues, group_issues
from kinfold.quality.issue import SHOWN, Example, Issue, Severity, of_leakage, share
from kinfold.quality.store import Store, quoted, store, text

# What people write where there is no value: what readers of tables know, and what they take for a value.
_USUAL, _MARKS = ("na", "n/a", "null", "#n/a", "\\n"), ("?", "none", "nil", "-", "--", "missing")
_MISSING = (*_USUAL, *_MARKS)
# Numbers that stand for no value, where they are met several times at the end of what a column holds.
_STAND_INS = ("999", "9999", "99999", "999999", "9999999", "-99", "-999", "-9999", "-99999")
_OFTEN = 5
# Shares: of missing values that are many, of numbers from which a column is one of numbers, of values that are all
# different, of one value in a column that is nearly constant.
_MANY, _NUMBERS, _DIFFERENT, _CONSTANT = 0.2, 0.9, 0.95, 0.995
_LEAST = 50
# From this share of right guesses, made of one column, the label is given away; of each value all rows but the guessed
# one are known.
_GIVEN_AWAY, _BINS = 0.98, 64
_MOST_CLASSES = 100
_SAME = 0.9999
_REPEATED = 0.005
_LISTED = 60


@dataclass
class _Column:
    """What a column holds."""

    name: str
    there: int
    missing: int
    coded: int
    distinct: int
    numbers: int
    nans: int
    spaced: int
    most: str
    often: int

    @property
    def numeric(self) -> bool:
        """Whether it holds numbers."""
        return self.numbers > 0 and self.numbers >= _NUMBERS * (self.there - self.coded)


def check_tables(
    paths: Sequence[Path], splits: Sequence[int], named: Mapping[str, str], progress: Progress
) -> tuple[list[Issue], list[Table], list[str]]:
    """Looks at one table or several splits of one.

    Raises:
        UnknownName: There is no column of a name that is given, or a file has not the columns of the first.
    """
    progress.start("read", len(paths), "files")
    with store() as kept:
        broken, kinds = [], {}
        names: tuple[str, ...] = ()
        for at, path in enumerate(paths):
            rows = Rows(path, _form(path, names))
            if at == 0:
                names = rows.names
            else:
                absent = next((each for each in names if each not in rows.names), None)
                if absent is not None:
                    raise UnknownName(
                        f"{path}: has no column '{absent}', which {paths[0]} has; splits have the same columns. "
                        f"It has: {', '.join(rows.names)}."
                    )
            kept.add(f"rows{at}", names, rows.batches())
            broken.append((str(path), rows.broken))
            kinds.update({name: each for name, each in rows.kinds.items() if name not in kinds})
            progress.advance(1)
        for what in ("label", "group"):
            if what in named and named[what] not in names:
                near = did_you_mean(named[what], names)
                raise UnknownName(f"{paths[0]}: has no column '{named[what]}'.{near} It has: {', '.join(names)}.")
        units = [rows.unit] * len(paths)
        check = _Check(kept, [str(each) for each in paths], splits, names, named, units, progress)
        issues = [*broken_issues(broken, check.total), *check.columns(kinds), *check.repeated(), *check.labels()]
        issues += [*check.given_away(), *check.groups()]
        return issues, check.tables(), check.notes


def _form(path: Path, names: Sequence[str]) -> Any:
    """How a later file is divided: a file without a header has the columns of the first one, which has none either."""
    found = form_of(path, head_of(path))
    if found is None or not names or found.names == tuple(names) or len(found.names) != len(names):
        return found
    bare = all(each.isdecimal() for each in names)
    return found._replace(names=tuple(names), header=False) if bare and not found.header else found


class _Check:
    """Asks the store what is wrong.

    Args:
        kept: A table `rows<number>` for each file.
        files: Their names.
        splits: Which split each belongs to.
        names: Of the columns.
        named: Which column is the label, and which the group.
        units: What the places of each file are.
        progress: Told of the columns.
    """

    def __init__(
        self,
        kept: Store,
        files: Sequence[str],
        splits: Sequence[int],
        names: Sequence[str],
        named: Mapping[str, str],
        units: Sequence[str],
        progress: Progress,
    ) -> None:
        self._kept, self._files, self._splits, self._names, self._units = kept, files, splits, list(names), units
        self._label, self._group = named.get("label"), named.get("group")
        self._progress = progress
        self.notes: list[str] = []
        every = " UNION ALL ".join(
            f"SELECT {at} AS _file, {split} AS _split, * FROM rows{at}" for at, split in enumerate(splits)
        )
        kept.ask(f"CREATE VIEW every AS {every}")
        self.total = int(kept.one("SELECT count(*) FROM every")[0])
        progress.start("columns", len(names), "columns")
        self._columns = [self._profile(name) for name in names]
        # Numbers of rows, and names, tell rows apart that say the same.
        self._ids = [each.name for each in self._columns if self._is_id(each) and each.name != self._label]
        kept_names = [name for name in names if name not in self._ids]
        self._compared = kept_names if len(kept_names) > 1 else list(names)

    def _profile(self, name: str) -> _Column:
        column = quoted(name)
        plain = f"nullif(trim({column}), '')"
        value = f"CASE WHEN lower({plain}) IN ({', '.join(map(text, _USUAL))}) THEN NULL ELSE {plain} END"
        listed = ", ".join(map(text, _MARKS))
        number = "try_cast(v AS DOUBLE)"
        found = self._kept.one(
            f"WITH told AS (SELECT {column} AS c, {value} AS v FROM every) SELECT count(v), count(*) - count(v), "
            f"count(*) FILTER (lower(v) IN ({listed})), count(DISTINCT v), count({number}), "
            f"count(*) FILTER (isnan({number}) OR isinf({number})), "
            "count(*) FILTER (c <> trim(c) AND trim(c) <> '') FROM told"
        )
        most = self._kept.ask(
            f"SELECT {value} AS v, count(*) AS often FROM every GROUP BY v HAVING v IS NOT NULL "
            "ORDER BY often DESC, v LIMIT 1"
        )
        self._progress.advance(1)
        there, missing, coded, distinct, numbers, nans, spaced = map(int, found)
        value_, often = most[0] if most else ("", 0)
        return _Column(name, there, missing, coded, distinct, numbers, nans, spaced, str(value_), int(often))

    def _is_id(self, column: _Column) -> bool:
        """Whether nearly every row has a value of its own, which is no measurement."""
        if column.there < _LEAST or column.distinct < _DIFFERENT * column.there:
            return False
        value = f"nullif(trim({quoted(column.name)}), '')"
        if not column.numeric:
            words = self._kept.one(f"SELECT median(length({value}) - length(replace({value}, ' ', ''))) FROM every")[0]
            return words is not None and words < 3
        whole = self._kept.one(f"SELECT count(*) FROM every WHERE try_cast({value} AS DOUBLE) % 1 = 0")[0]
        return int(whole) >= _DIFFERENT * column.there and (
            column.distinct == column.there or "id" in column.name.lower().replace("-", "_").split("_")
        )

    def _where(self, file: int, place: int) -> str:
        return f"{self._files[file]} {self._units[file]} {place:,}"

    def _examples(self, condition: str, column: str) -> list[Example]:
        query = (
            f"SELECT _file, _place, {quoted(column)} FROM every WHERE {condition} ORDER BY _file, _place LIMIT {SHOWN}"
        )
        return [Example(self._where(file, place), f"{column}: {value}") for file, place, value in self._kept.ask(query)]

    def columns(self, kinds: Mapping[str, collections.Counter[str]]) -> list[Issue]:
        """What is wrong with each column."""
        issues = []
        for each in self._columns:
            issues += self._missing(each)
            if each.distinct == 1 and self.total > 1 and not each.missing:
                shown = [Example(f"column {each.name}", each.most)]
                issues.append(
                    self._of_column(
                        "constant column", each, "warning", self.total, shown, "leave it out: it tells no rows apart"
                    )
                )
            elif each.often >= _CONSTANT * self.total and each.name != self._label and self.total >= 200:
                shown = [Example(f"column {each.name}", f"{each.most}: {share(each.often, self.total)}")]
                issues.append(
                    self._of_column(
                        "nearly constant column", each, "note", each.often, shown, "it tells few rows apart"
                    )
                )
            issues += self._mixed(each, kinds.get(each.name))
            issues += self._stand_ins(each)
            issues += self._variants(each)
        issues += self._marked()
        ids = [each for each in self._columns if each.name in self._ids]
        shown = [Example(f"column {each.name}", f"{each.distinct:,} different, such as {each.most}") for each in ids]
        fix = "leave them out of what is learned from: a name of each row is learned by heart"
        issues.append(Issue("columns of names or numbers of rows", "note", len(ids), len(self._columns), shown, fix))
        spaced = [each for each in self._columns if each.spaced]
        if spaced:
            most = max(each.spaced for each in spaced)
            shown = [Example(f"column {each.name}", f"{each.spaced:,} values") for each in spaced]
            fix = "strip them, in all files alike: ' a' and 'a' are two values to most readers"
            name = "columns with white space around values"
            severity: Severity = "note" if most == self.total else "warning"
            issues.append(Issue(name, severity, len(spaced), len(self._columns), shown, fix))
        return issues

    def _of_column(
        self, what: str, column: _Column, severity: Any, count: int, shown: Sequence[Example], fix: str
    ) -> Issue:
        return Issue(f"{what} '{column.name}'", severity, count, self.total, shown, fix)

    def _missing(self, each: _Column) -> list[Issue]:
        value = f"lower(trim({quoted(each.name)}))"
        lost = f"coalesce({value}, '') = '' OR {value} IN ({', '.join(map(text, _USUAL))})"
        count = each.missing
        issues = []
        if count == self.total and count:
            shown = [Example(f"column {each.name}", each.most)]
            issues.append(self._of_column("empty column", each, "warning", count, shown, "leave it out"))
        elif count:
            severity: Severity = (
                "serious" if each.name == self._label else "warning" if count > _MANY * self.total else "note"
            )
            fix = "leave the rows out, fill in, or say that a value is missing by a column of its own"
            issues.append(
                self._of_column("missing values in", each, severity, count, self._examples(lost, each.name), fix)
            )
        if each.nans and each.numeric:
            number = f"try_cast({value} AS DOUBLE)"
            shown = self._examples(f"isnan({number}) OR isinf({number})", each.name)
            fix = "leave the rows out or fill in: one NaN spreads to all that is learned"
            issues.append(self._of_column("NaN or infinite numbers in", each, "serious", each.nans, shown, fix))
        return issues

    def _marked(self) -> list[Issue]:
        """Values such as ? that say that there is none."""
        count, shown = 0, []
        for each in self._columns:
            if not each.coded:
                continue
            value = f"lower(trim({quoted(each.name)}))"
            found = self._kept.ask(
                f"SELECT {value} AS v, count(*) AS often, min(_file * 1e12 + _place) FROM every "
                f"WHERE v IN ({', '.join(map(text, _MARKS))}) GROUP BY v ORDER BY often DESC, v"
            )
            # A column of marks alone, such as - and +, means what it says.
            if not found or each.distinct <= len(found) + 1:
                continue
            for mark, often, first in found:
                file, place = divmod(int(first), 10**12)
                count += int(often)
                shown.append(
                    Example(f"column {each.name}, first {self._where(file, place)}", f"{mark} ({often:,} times)")
                )
        fix = "if they mean that nothing is known, read them as missing: as they are, they are a value like any other"
        cells = self.total * len(self._columns)
        return [Issue("missing values that are written as a mark or a word", "warning", count, cells, shown, fix)]

    def _mixed(self, each: _Column, kinds: collections.Counter[str] | None) -> list[Issue]:
        """Values of another kind than nearly all others."""
        if kinds and len(kinds) > 1:
            main = kinds.most_common(1)[0][0]
            told = ", ".join(f"{kind} {count:,}" for kind, count in kinds.most_common())
            shown = [Example(f"column {each.name}", told)]
            others = kinds.total() - kinds[main]
            return [self._of_column("values of mixed kinds in", each, "warning", others, shown, f"write all as {main}")]
        other = each.there - each.numbers - each.coded
        if each.numeric and other > 0:
            value = f"trim({quoted(each.name)})"
            listed = ", ".join(map(text, _MISSING))
            odd = f"try_cast({value} AS DOUBLE) IS NULL AND {value} <> '' AND lower({value}) NOT IN ({listed})"
            fix = "write numbers alone: units, signs and remarks make the column one of text to most readers"
            shown = self._examples(odd, each.name)
            return [self._of_column("text among the numbers of", each, "warning", other, shown, fix)]
        return []

    def _stand_ins(self, each: _Column) -> list[Issue]:
        """Numbers such as 99999 that mean no value."""
        if not each.numeric or each.name == self._label or each.distinct < 5:
            return []
        number = f"try_cast(trim({quoted(each.name)}) AS DOUBLE)"
        low, high = self._kept.one(f"SELECT min({number}), max({number}) FROM every WHERE NOT isnan({number})")
        found = []
        for end, other in ((high, "max"), (low, "min")):
            if end is None or not math.isfinite(end) or f"{end:.0f}" not in _STAND_INS or end % 1:
                continue
            often, beside = self._kept.one(
                f"SELECT count(*) FILTER ({number} = {end}), {other}({number}) FILTER ({number} <> {end}) FROM every"
            )
            # A number that goes on where the others end is one of them.
            apart = beside is not None and (end > 2 * max(beside, 1) if other == "max" else beside >= 0)
            if often >= _OFTEN and apart:
                shown = self._examples(f"{number} = {end}", each.name)
                fix = f"if {end:.0f} means that nothing is known, read it as missing; the next is {beside:g}"
                found.append(
                    self._of_column(f"{end:.0f} in place of a value in", each, "warning", int(often), shown, fix)
                )
        return found

    def _variants(self, each: _Column) -> list[Issue]:
        """Values that differ in case, white space or points only."""
        if each.numeric or not 2 <= each.distinct <= 10_000 or each.distinct > 0.5 * each.there:
            return []
        value = f"nullif(trim({quoted(each.name)}), '')"
        plain = _plain(value)
        found = self._kept.ask(
            f"WITH ways AS (SELECT {plain} AS p, {value} AS v, count(*) AS often FROM every "
            f"WHERE {value} IS NOT NULL GROUP BY ALL) "
            "SELECT list(v ORDER BY often DESC, v), sum(often) - max(often) FROM ways "
            "WHERE p <> '' GROUP BY p HAVING count(*) > 1 ORDER BY 2 DESC"
        )
        if not found:
            return []
        shown = [Example(f"column {each.name}", " = ".join(map(repr, values[:6]))) for values, _ in found]
        count = sum(int(often) for _, often in found)
        name = "values that are written in several ways in"
        severity: Severity = "serious" if each.name == self._label else "warning"
        return [self._of_column(name, each, severity, count, shown, "write each in one way, in all files alike")]

    def _key(self, names: Sequence[str]) -> str:
        return ", ".join(f"coalesce(trim({quoted(name)}), '')" for name in names)

    def repeated(self) -> list[Issue]:
        """Rows that stand twice, that contradict each other, and that are in two splits."""
        every, alike = (
            f"md5_number(concat_ws(chr(31), {self._key(names)}))" for names in (self._names, self._compared)
        )
        self._kept.ask(f"CREATE TABLE hashed AS SELECT _file, _split, _place, {every} AS h, {alike} AS a FROM every")
        # Where few values go together in few ways, rows are alike without being one.
        ways = math.prod(max(1, each.distinct) for each in self._columns if each.name in self._compared)
        small = ways < 100 * self.total
        issues = self._twice("h", "", small)
        if len(self._compared) < len(self._names):
            left = ", ".join(name for name in self._names if name not in self._compared)
            issues += self._twice("a", f" but for {left}", small)
        return [*issues, *self._contradicted()]

    def _twice(self, key: str, but: str, small: bool) -> list[Issue]:
        """Rows with the same key as an earlier one; where it leaves columns out, those that differ in them."""
        first = f"min(_file * 1e12 + _place) OVER (PARTITION BY {key})"
        own = f"min(_file * 1e12 + _place) OVER (PARTITION BY {key}, _split)"
        same = (
            ""
            if key == "h"
            else ", min(_split) OVER (PARTITION BY h) AS same_split, "
            "row_number() OVER (PARTITION BY h, _split ORDER BY _file, _place) AS same_turn"
        )
        begun = f"min(_split) OVER (PARTITION BY {key})"
        table = f"(SELECT *, {first} AS first, {own} AS own, {begun} AS begun{same} FROM hashed)"
        again = "own < _file * 1e12 + _place" + (" AND same_turn = 1" if same else "")
        leaked = "begun < _split" + (" AND same_split = _split" if same else "")
        later = int(self._kept.one("SELECT count(*) FROM hashed WHERE _split > 0")[0])
        issues = []
        for condition, other, name, of in (
            (again, "own", f"rows that stand twice{but}", self.total),
            (leaked, "first", f"rows of a later file that an earlier one has{but}", later),
        ):
            count = int(self._kept.one(f"SELECT count(*) FROM {table} WHERE {condition}")[0])
            if not count:
                continue
            found = self._kept.ask(
                f"SELECT _file, _place, {other} FROM {table} WHERE {condition} ORDER BY _file, _place LIMIT {SHOWN}"
            )
            shown = [self._beside(file, place, *divmod(int(there), 10**12)) for file, place, there in found]
            often = count >= _REPEATED * self.total and not small and not but
            severity: Severity = "warning" if often else "note"
            fix = "leave all but one out, unless they are several that happen to be alike"
            if other == "first":
                severity = of_leakage(count, of) if not but else "note" if small else "warning"
                fix = "take them out of one of the files: what was learned from cannot judge"
            issues.append(Issue(name, severity, count, of, shown, fix))
        return issues

    def _beside(self, file: int, place: int, other: int, there: int) -> Example:
        named = ", ".join(quoted(each) for each in self._names[:8])
        values = self._kept.one(f"SELECT {named} FROM rows{file} WHERE _place = {place}")
        shown = ", ".join("" if each is None else str(each).strip() for each in values)
        return Example(f"{self._where(file, place)} = {self._where(other, there)}", shown)

    def _contradicted(self) -> list[Issue]:
        """Rows that are the same but for their label."""
        others = [each for each in self._compared if each != self._label]
        if self._label is None or self._label not in self._compared or not others:
            return []
        label = f"trim({quoted(self._label)})"
        # Labels that are written in several ways are told elsewhere.
        known = f"SELECT DISTINCT {label} AS l FROM every WHERE coalesce({label}, '') <> ''"
        self._kept.ask(f"CREATE TABLE labels AS SELECT l, {_plain('l')} AS plain FROM ({known})")
        self._kept.ask(
            f"CREATE TABLE labeled AS SELECT _file, _place, l, plain, hash({self._key(others)}) AS h "
            f"FROM every JOIN labels ON {label} = l"
        )
        table = "labeled"
        torn = f"(SELECT h FROM {table} GROUP BY h HAVING count(DISTINCT plain) > 1)"
        query = f"FROM {table} WHERE h IN {torn}"
        count = int(self._kept.one(f"SELECT count(*) {query}")[0])
        if not count:
            return []
        found = self._kept.ask(f"SELECT _file, _place, l {query} ORDER BY h, _file, _place LIMIT {SHOWN}")
        shown = [Example(self._where(file, place), f"{self._label}: {value}") for file, place, value in found]
        severity: Severity = "warning" if count >= 0.01 * self.total else "note"
        fix = "no learner can tell these apart: look for a wrong label, or a column that is missing"
        return [Issue("rows that differ in their label alone", severity, count, self.total, shown, fix)]

    def labels(self) -> list[Issue]:
        """Whether classes are balanced."""
        column = next((each for each in self._columns if each.name == self._label), None)
        if column is None or column.distinct > _MOST_CLASSES:
            return []
        issues, self._classes = balance(self._counted(column.name), "rows")
        return issues

    def given_away(self) -> list[Issue]:
        """Columns that tell the label alone."""
        label = next((each for each in self._columns if each.name == self._label), None)
        if label is None or label.there < _LEAST or label.distinct < 2:
            return []
        issues = []
        for each in self._columns:
            if each.name in (self._label, self._group) or each.distinct < 2:
                continue
            if label.distinct > _MOST_CLASSES:
                found = self._correlated(each, label)
                told, right = "correlation", abs(found)
                given = right >= _SAME
            else:
                right, usual = self._guessed(each, label)
                told = "right guesses"
                given = usual < 1 and (right - usual) / (1 - usual) >= _GIVEN_AWAY
            if given:
                shown = [Example(f"column {each.name}", f"{told} of {label.name}: {right:.4f}")]
                fix = "was it known before the label was? If not, leave it out: the label is copied and not learned"
                name = f"column '{each.name}' that alone tells the label '{label.name}'"
                issues.append(Issue(name, "serious", round(right * label.there), label.there, shown, fix))
        return issues

    def _guessed(self, each: _Column, label: _Column) -> tuple[float, float]:
        """The share of labels that a column guesses right, each from all other rows, and that of the commonest."""
        value, target = f"nullif(trim({quoted(each.name)}), '')", f"nullif(trim({quoted(label.name)}), '')"
        what = f"coalesce({value}, '')"
        if each.numeric and each.distinct > _BINS:
            what = f"ntile({_BINS}) OVER (ORDER BY try_cast({value} AS DOUBLE))"
        right, total = self._kept.one(
            f"WITH cut AS (SELECT {what} AS v, {target} AS l FROM every WHERE {target} IS NOT NULL), "
            "each AS (SELECT v, l, count(*) AS often FROM cut GROUP BY ALL), "
            "ranked AS (SELECT v, often, row_number() OVER (PARTITION BY v ORDER BY often DESC) AS rank FROM each), "
            "best AS (SELECT v, max(often) AS most, coalesce(max(often) FILTER (rank = 2), 0) AS next, "
            "sum(often) AS all_ FROM ranked GROUP BY v) "
            "SELECT coalesce(sum(CASE WHEN most - 1 > next OR (next = 0 AND most > 1) THEN most ELSE 0 END), 0), "
            "sum(all_) FROM best"
        )
        return float(right) / float(total), label.often / label.there

    def _correlated(self, each: _Column, label: _Column) -> float:
        if not each.numeric or not label.numeric:
            return 0.0
        first, second = (f"try_cast(trim({quoted(name)}) AS DOUBLE)" for name in (each.name, label.name))
        fine = f"isfinite({first}) AND isfinite({second})"
        found = self._kept.one(f"SELECT corr({first}, {second}) FROM every WHERE {fine}")[0]
        return 0.0 if found is None or math.isnan(found) else float(found)

    def groups(self) -> list[Issue]:
        """Groups that dominate, or that stand in two splits."""
        if self._group is None:
            return []
        return group_issues(self._counted(self._group), "rows")

    def _counted(self, column: str) -> dict[str, collections.Counter[str]]:
        """How often each value of a column is met in each split, by the name of the split's first file."""
        counts: dict[str, collections.Counter[str]] = {}
        value = f"trim({quoted(column)})"
        for file, split in enumerate(self._splits):
            name = self._files[list(self._splits).index(split)]
            rows = self._kept.ask(
                f"SELECT {value} AS v, count(*) FROM rows{file} WHERE coalesce(v, '') <> '' GROUP BY v"
            )
            counts.setdefault(name, collections.Counter()).update({value: int(often) for value, often in rows})
        return counts

    def tables(self) -> list[Table]:
        """What each column holds."""
        files = [
            [name, int(self._kept.one(f"SELECT count(*) FROM rows{at}")[0]), len(self._names)]
            for at, name in enumerate(self._files)
        ]
        rows = [
            [
                each.name,
                "number" if each.numeric else "text" if each.there else "nothing",
                each.distinct,
                each.missing + each.coded,
                each.most[:40],
                each.often / self.total if self.total else 0.0,
            ]
            for each in self._columns[:_LISTED]
        ]
        header = ("column", "kind", "different", "missing", "most frequent", "its share")
        columns = Table(f"Columns ({len(self._columns):,})", header, rows)
        return [*getattr(self, "_classes", ()), Table("Files", ("file", "rows", "columns"), files), columns]


def _plain(value: str) -> str:
    """A value in SQL without case, white space and points."""
    return f"regexp_replace(lower({value}), '[\\s._-]+', '', 'g')"
