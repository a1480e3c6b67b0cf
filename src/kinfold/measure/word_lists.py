"""Lists of words that a bias audit asks about: those that come with Kinfold, and anybody's own.

A file of lists is TOML:

    title = "Jobs"
    source = "whose words they are"

    [words]                          # sets of words, by name
    women = ["she", "her"]
    men = ["he", "his"]
    work = ["office", "salary"]
    home = ["kitchen", "children"]

    [pairs]                          # words that differ in one thing
    gender = [["she", "he"], ["her", "his"]]

    [[query]]                        # what goes with what
    name = "women and men, work and home"
    targets = ["women", "men"]
    attributes = ["work", "home"]

    [[axis]]                         # what lies along the direction that pairs span
    name = "gender of work"
    pairs = "gender"
    words = "work"
    ends = ["women", "men"]
"""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

from kinfold.core.errors import BadData, BadFile, UnknownName, did_you_mean
from kinfold.core.files import existing

SHIPPED = Path(__file__).parent / "lists"
_PARTS = ("title", "source", "words", "pairs", "query", "axis", "templates")
_QUERY = ("name", "targets", "attributes", "source")
_AXIS = ("name", "pairs", "words", "ends", "source")
_WORD = "{word}"


@dataclass(frozen=True, slots=True)
class WordSet:
    """Words that stand for one thing, under its name."""

    name: str
    words: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Query:
    """Which target sets go with which attribute sets: of two and two, the first with the first."""

    name: str
    targets: tuple[WordSet, ...]
    attributes: tuple[WordSet, ...]


@dataclass(frozen=True, slots=True)
class Axis:
    """Words that are laid along the direction of pairs.

    Args:
        name: What is asked.
        pairs: Words of one end beside words of the other.
        words: What ought to lie in the middle.
        ends: What the first and the second words of the pairs are.
    """

    name: str
    pairs: tuple[tuple[str, str], ...]
    words: WordSet
    ends: tuple[str, str]


@dataclass(frozen=True, slots=True)
class WordLists:
    """One file of lists.

    Args:
        name: Of the file.
        title: For people.
        source: Whose words they are.
        words: Sets of words.
        pairs: Pairs of words that differ in one thing.
        queries: What goes with what.
        axes: What lies along a direction.
        templates: Sentences around a word, which stands in them as `{word}`.
    """

    name: str
    title: str
    source: str
    words: Mapping[str, tuple[str, ...]]
    pairs: Mapping[str, tuple[tuple[str, str], ...]]
    queries: tuple[Query, ...]
    axes: tuple[Axis, ...]
    templates: tuple[str, ...]

    def __getitem__(self, name: str) -> tuple[str, ...]:
        """The words of a set.

        Raises:
            UnknownName: There is none of this name.
        """
        if name not in self.words:
            raise UnknownName(
                f"{self.name} has no set of words '{name}'.{did_you_mean(name, self.words)} "
                f"It has: {', '.join(self.words) or 'none'}."
            )
        return self.words[name]

    def asked(self) -> list[str]:
        """All words that questions and axes name."""
        sets = [each for query in self.queries for each in (*query.targets, *query.attributes)]
        sets += [axis.words for axis in self.axes]
        paired = [word for axis in self.axes for pair in axis.pairs for word in pair]
        return [*(word for each in sets for word in each.words), *paired]


def shipped() -> list[str]:
    """The names of the lists that come with Kinfold."""
    return sorted(path.stem for path in SHIPPED.glob("*.toml"))


def read_lists(which: str | os.PathLike[str]) -> WordLists:
    """The lists of a name that comes with Kinfold (`weat`, `gender`, `race`, `religion`, `sentences`), or of a file.

    Raises:
        UnknownName: There is no such name, and no such file.
        BadFile: The file cannot be read.
        BadData: It is no TOML, or not of lists; names the file and the line.

    Example:
        >>> [query.name for query in read_lists("weat").queries][:2]
        ['WEAT 1', 'WEAT 2']
    """
    named = os.fspath(which)
    if named in shipped():
        return _Reader(SHIPPED / f"{named}.toml").lists(named)
    path = Path(which)
    if not path.exists() and path.suffix.lower() != ".toml":
        raise UnknownName(
            f"there are no lists '{named}'.{did_you_mean(named, shipped())} There are: {', '.join(shipped())}; "
            "or give a .toml file of your own."
        )
    return _Reader(existing(path)).lists(path.stem)


class _Reader:
    """One file, whose errors name it and the line."""

    def __init__(self, path: Path) -> None:
        if path.is_dir():
            raise BadFile(f"{path}: is a folder; name a .toml file in it.")
        self.path = path
        try:
            self._text = path.read_bytes().decode("utf-8-sig")
            self._values = tomllib.loads(self._text)
        except UnicodeDecodeError as error:
            raise BadData(f"{path}: byte {error.start} is not UTF-8; save it as UTF-8.") from error
        except OSError as error:
            raise BadFile(f"{path}: cannot be read ({error.strerror}).") from error
        except tomllib.TOMLDecodeError as error:
            raise BadData(f"{path}: is no TOML: {error}.") from error

    def lists(self, name: str) -> WordLists:
        values = self._values
        self._known(values, _PARTS, "a file of lists", lambda key: self._line(rf"\[*\s*{re.escape(key)}\b"))
        words = {key: self._words(key, each) for key, each in self._table("words").items()}
        pairs = {key: self._pairs(key, each) for key, each in self._table("pairs").items()}
        queries = [self._query(place, each, words) for place, each in enumerate(self._several("query"))]
        axes = [self._axis(place, each, words, pairs) for place, each in enumerate(self._several("axis"))]
        names = [*(each.name for each in queries), *(each.name for each in axes)]
        twice = next((each for each in names if names.count(each) > 1), None)
        if twice is not None:
            self._fail(self._line(rf"name\s*=\s*[\"']{re.escape(twice)}", 2), f"'{twice}' is the name of two questions")
        if not (words or pairs or values.get("templates")):
            self._fail(1, "there is nothing in it; [words] holds sets of words, [[query]] says what is asked of them")
        title = values.get("title", name)
        source = values.get("source", "")
        for key, each in (("title", title), ("source", source)):
            if not isinstance(each, str):
                self._fail(self._key(key), f"{key} is a text")
        return WordLists(name, title, source, words, pairs, tuple(queries), tuple(axes), self._templates())

    def _table(self, name: str) -> dict[str, Any]:
        found = self._values.get(name, {})
        if not isinstance(found, dict):
            self._fail(self._key(name), f"[{name}] is a table: a name = [...] on each line below it")
        return found

    def _several(self, name: str) -> list[dict[str, Any]]:
        found = self._values.get(name, [])
        if not isinstance(found, list) or not all(isinstance(each, dict) for each in found):
            self._fail(self._line(rf"\[*\s*{name}\b"), f"each question stands below a line [[{name}]] of its own")
        return found

    def _words(self, key: str, value: Any) -> tuple[str, ...]:
        line = self._key(key, "words")
        if not _texts(value) or not value:
            self._fail(line, f'\'{key}\' is a list of words, at least one: {key} = ["some", "words"]')
        twice = next((word for word in value if value.count(word) > 1), None)
        if twice is not None:
            self._fail(line, f"'{key}' holds '{twice}' twice; take one of them out")
        return tuple(value)

    def _pairs(self, key: str, value: Any) -> tuple[tuple[str, str], ...]:
        good = isinstance(value, list) and value and all(_texts(each) and len(each) == 2 for each in value)
        if not good or any(first == second for first, second in value):
            self._fail(self._key(key, "pairs"), f'\'{key}\' is a list of pairs of two words: {key} = [["she", "he"]]')
        return tuple((first, second) for first, second in value)

    def _query(self, place: int, value: dict[str, Any], words: Mapping[str, tuple[str, ...]]) -> Query:
        line = self._line(r"\[\[\s*query\s*\]\]", place + 1)
        self._known(value, _QUERY, "a query", lambda key: self._line(rf"{re.escape(key)}\s*=", after=line))
        sides: list[tuple[WordSet, ...]] = []
        for side in ("targets", "attributes"):
            names = value.get(side)
            if not _texts(names) or not names:
                self._fail(line, f'a query names sets of words as its {side}: {side} = ["women", "men"]')
            sides.append(tuple(WordSet(spoken(name), self._set(name, words, line)) for name in names))
        targets, attributes = sides
        owners: dict[str, str] = {}
        for target in targets:
            for word in target.words:
                if word in owners:
                    self._fail(line, f"'{word}' is a target of two sets, {owners[word]} and {target.name}")
                owners[word] = target.name
        name = value.get("name", ", ".join(" and ".join(each.name for each in side) for side in sides))
        return Query(self._name(name, line), targets, attributes)

    def _axis(
        self,
        place: int,
        value: dict[str, Any],
        words: Mapping[str, tuple[str, ...]],
        pairs: Mapping[str, tuple[tuple[str, str], ...]],
    ) -> Axis:
        line = self._line(r"\[\[\s*axis\s*\]\]", place + 1)
        self._known(value, _AXIS, "an axis", lambda key: self._line(rf"{re.escape(key)}\s*=", after=line))
        of = value.get("pairs")
        if not isinstance(of, str) or of not in pairs:
            near = did_you_mean(of, pairs) if isinstance(of, str) else ""
            self._fail(
                line, f"an axis names pairs of [pairs], not '{of}'.{near} There are: {', '.join(pairs) or 'none'}"
            )
        laid = value.get("words")
        found = self._set(laid, words, line)
        ends = value.get("ends", [each.capitalize() for each in pairs[of][0]])
        if not _texts(ends) or len(ends) != 2:
            self._fail(line, 'ends are the names of the two ends: ends = ["women", "men"]')
        name = self._name(value.get("name", f"{' and '.join(ends)} in {spoken(str(laid))}"), line)
        return Axis(name, pairs[of], WordSet(spoken(str(laid)), found), (ends[0], ends[1]))

    def _templates(self) -> tuple[str, ...]:
        found = self._values.get("templates", [])
        line = self._key("templates")
        if not _texts(found):
            self._fail(line, "templates are a list of sentences")
        bad = next((each for each in found if _WORD not in each), None)
        if bad is not None:
            self._fail(line, f"the template '{bad}' has no place for a word; write {_WORD} where it goes")
        return tuple(found)

    def _set(self, name: Any, words: Mapping[str, tuple[str, ...]], line: int) -> tuple[str, ...]:
        if not isinstance(name, str) or name not in words:
            near = did_you_mean(name, words) if isinstance(name, str) else ""
            self._fail(line, f"[words] has no set '{name}'.{near} It has: {', '.join(words) or 'none'}")
        return words[name]

    def _name(self, name: Any, line: int) -> str:
        if not isinstance(name, str) or not name:
            self._fail(line, "the name of a question is a text")
        return str(name)

    def _known(self, value: Mapping[str, Any], known: Sequence[str], what: str, line: Callable[[str], int]) -> None:
        for key in value:
            if key not in known:
                self._fail(line(key), f"{what} has no '{key}'.{did_you_mean(key, known)} It has: {', '.join(known)}")

    def _key(self, key: str, table: str | None = None) -> int:
        """The line on which a key begins, of a table where one is named."""
        after = 0 if table is None else self._line(rf"\[\s*{table}\s*\]")
        return self._line(rf"[\"']?{re.escape(key)}[\"']?\s*=", after=after)

    def _line(self, pattern: str, time: int = 1, after: int = 0) -> int:
        """The number of the line that begins so, for the first or a later time; 1 where none does."""
        for number, line in enumerate(self._text.splitlines(), 1):
            if number > after and re.match(rf"\s*{pattern}", line):
                time -= 1
                if not time:
                    return number
        return after or 1

    def _fail(self, line: int, what: str) -> NoReturn:
        raise BadData(f"{self.path} line {line:,}: {what}.")


def spoken(name: str) -> str:
    """The name of a set as people write it."""
    return name.replace("_", " ")


def _texts(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(each, str) and each.strip() for each in value)
