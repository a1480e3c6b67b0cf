"""Texts: what is broken, said twice, garbled, in another language, too long, or in two splits."""

from __future__ import annotations

import collections
import re
import unicodedata
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field

import numpy as np

from kinfold.core.progress import Progress, quiet
from kinfold.core.report import Table
from kinfold.core.shapes import Block, Items
from kinfold.core.spill import Spill
from kinfold.core.threads import many
from kinfold.kernels import minhash
from kinfold.kernels.near import joined
from kinfold.quality.classes import balance
from kinfold.quality.fields import BAD_BYTES, Broken
from kinfold.quality.findings import broken_issues, group_issues
from kinfold.quality.issue import SHOWN, Example, Issue, Severity, of_leakage
from kinfold.quality.languages import LANGUAGES, SCRIPTS, language_of, tables
from kinfold.quality.parts import Part, Some

# Jaccard similarity of the runs of three words of two texts that are nearly the same; words of a text from which it is
# asked for, and from which a text that stands twice is more than a phrase.
NEAR = 0.8
_NEAR_WORDS, _SAME_WORDS = 8, 3
_BANDS, _EACH = minhash.bands(NEAR)
# Texts whose keys are kept, and pairs that are compared word for word; what is beyond is not looked for, and told.
_KEYED, _COMPARED = 2_000_000, 300_000
# A text as long as this many others, of more words than these, is one that nobody divided.
_LONG, _LONG_WORDS = 50, 2_000
# Share of texts that are in another language, or said twice, from which it is more than a note.
_MUCH = 0.05
_REPEATED = 0.005
# Of all texts, the share of one that is met at least so often.
_CROWD, _CROWDED = 0.01, 20


@dataclass
class _Flagged:
    """How many texts have something, and the first of them."""

    count: int = 0
    examples: list[Example] = field(default_factory=list)


@dataclass
class _Seen:
    """What was seen of one file."""

    texts: int = 0
    words: int = 0
    characters: int = 0
    empty: int = 0
    letters: np.ndarray = field(default_factory=lambda: np.zeros(len(SCRIPTS), np.int64))
    languages: np.ndarray = field(default_factory=lambda: np.zeros(len(LANGUAGES) + 1, np.int64))
    broken: Broken = field(default_factory=Broken)
    labels: collections.Counter[str] = field(default_factory=collections.Counter)
    groups: collections.Counter[str] = field(default_factory=collections.Counter)
    foreign: dict[int, _Flagged] = field(default_factory=dict)
    scripts: dict[int, _Flagged] = field(default_factory=dict)


_FLAGS = {
    "CONTROL": "control characters",
    "INVISIBLE": "invisible characters",
    "REPLACED": "replacement characters (U+FFFD)",
    "MOJIBAKE": "garbled characters (UTF-8 read as Latin-1)",
    "MARKUP": "HTML in them",
}
# Where an example begins to be looked at.
_SIGNS = {
    "CONTROL": re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]"),
    "INVISIBLE": re.compile("[\u200b\u202a-\u202e\u2060\ufeff]"),
    "REPLACED": re.compile("\ufffd"),
    "MOJIBAKE": re.compile("[ÂÃÐÑâï][^\\w\\s]|Ã[ƒŸŠŒœŽš]"),
    "MARKUP": re.compile(r"</?[A-Za-z]|&#?\w{2,8};"),
}
_BEFORE = 30
_FIXES = {
    "CONTROL": "take them out: tr -d '\\000-\\010\\013\\014\\016-\\037\\177' < FILE > clean.txt",
    "INVISIBLE": "take them out: they make two words of one (U+200B, U+FEFF and the like)",
    "REPLACED": "what stood there is lost: fetch the text again, and read it in the encoding that it has",
    "MOJIBAKE": "undo it: text.encode('cp1252').decode('utf-8'), or fetch it again in the encoding that it has",
    "MARKUP": "take tags out and read entities: html.unescape; else they are words to every learner",
}


class TextCheck:
    """Looks at the texts of several files and gathers what is wrong.

    Args:
        parts: The files.
        splits: Of each file, which split it belongs to; those of one split are one whole.
        things: What a text is: `texts`, `sentences`, `pairs`.
        empty_is_bad: Whether an empty text is a lost one, and not what parts others.
        classes: Whether labels are classes, and their balance is asked for.
    """

    def __init__(
        self,
        parts: Sequence[Part],
        splits: Sequence[int],
        *,
        things: str = "texts",
        empty_is_bad: bool = False,
        classes: bool = True,
        threads: int | None = None,
        seed: int = 0,
        progress: Progress = quiet,
    ) -> None:
        self.parts, self.splits, self.things = parts, list(splits), things
        self._empty_is_bad, self._classes = empty_is_bad, classes
        self._threads, self._progress = many(threads), progress
        self._seeds = np.random.default_rng(seed).integers(1, 1 << 32, _BANDS * _EACH, dtype=np.uint32)
        self.seen = [_Seen() for _ in parts]
        self._flags = {name: _Flagged() for name in _FLAGS}
        self._nfd, self._nfc = _Flagged(), _Flagged()
        self._longest: list[tuple[int, Example]] = []
        self._numbers: dict[str, int] = {}
        self.notes: list[str] = []

    def run(self) -> tuple[list[Issue], list[Table]]:
        """Reads all files, once or, where some texts are nearly alike, twice."""
        self._progress.start("look", None, "texts")
        kinds = {"exact": np.uint64, "places": np.int64, "words": np.int32, "labels": np.int32, "keyed": np.int64}
        spills = {name: Spill(kind) for name, kind in kinds.items()}
        keys = Spill(np.uint64)
        keyed = total = 0
        for at, part in enumerate(self.parts):
            for some, looked in self._looked(part, self.seen[at].broken):
                counts, letters, spoken, exact, found = looked
                spills["exact"].append(exact)
                spills["places"].append(some.places)
                spills["words"].append(counts[:, 0])
                spills["labels"].append(self._labels(at, some))
                with_keys = np.flatnonzero(found.any(axis=1))[: max(0, _KEYED - keyed)]
                keyed += len(with_keys)
                keys.append(found[with_keys].ravel())
                spills["keyed"].append(with_keys + total)
                total += len(exact)
                self._note(at, some, counts, letters, spoken, exact)
                self._progress.advance(len(exact))
        self._exact, self._places, self._words, self._codes, rows = (each.join() for each in spills.values())
        sizes = [each.texts for each in self.seen]
        self._starts = np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)
        self._split = np.repeat(np.array(self.splits, np.int32), sizes)
        if keyed == _KEYED:
            self.notes.append(f"Texts that are nearly alike were looked for among the first {_KEYED:,}.")
        issues = [*self._broken(), *self._repeated(), *self._nearly(rows, keys.join().reshape(-1, _BANDS))]
        issues += [*self._characters(), *self._mixed(), *self._lengths(), *self._grouped()]
        classes: list[Table] = []
        if self._classes and any(each.labels for each in self.seen):
            found_issues, classes = balance(self._by_split("labels"), self.things)
            issues += found_issues
        return issues, [*classes, *self._tables()]

    def _looked(self, part: Part, broken: Broken) -> Iterator[tuple[Some, tuple[np.ndarray, ...]]]:
        """The texts of a file in their order, looked at by several threads at once."""
        waiting: collections.deque[tuple[Some, Future[tuple[np.ndarray, ...]]]] = collections.deque()
        with ThreadPoolExecutor(self._threads) as pool:
            for some in part.read(broken):
                waiting.append((some, pool.submit(_look, some.block, self._seeds)))
                if len(waiting) > 2 * self._threads:
                    first, future = waiting.popleft()
                    yield first, future.result()
            for some, future in waiting:
                yield some, future.result()

    def _labels(self, at: int, some: Some) -> np.ndarray:
        if some.groups is not None:
            self.seen[at].groups.update(each for each in some.groups if each)
        if some.labels is None:
            return np.full(len(some.places), -1, np.int32)
        self.seen[at].labels.update(each for each in some.labels if each)
        numbers = self._numbers
        return np.array([-1 if not each else numbers.setdefault(each, len(numbers)) for each in some.labels], np.int32)

    def _note(
        self, at: int, some: Some, counts: np.ndarray, letters: np.ndarray, spoken: np.ndarray, exact: np.ndarray
    ) -> None:
        """Takes down what a block has."""
        from kinfold.kernels import looks

        seen = self.seen[at]
        seen.texts += len(exact)
        seen.words += int(counts[:, looks.WORDS].sum())
        seen.characters += int(counts[:, looks.CHARACTERS].sum())
        seen.empty += int(np.count_nonzero(exact == 0))
        seen.letters += letters.sum(axis=0)
        for name, flagged in self._flags.items():
            self._flag(flagged, at, some, np.flatnonzero(counts[:, getattr(looks, name)]), _SIGNS[name])
        marked = np.flatnonzero(counts[:, looks.MARKS])
        apart = [each for each in marked.tolist() if not unicodedata.is_normalized("NFC", text_of(some.block, each))]
        self._flag(self._nfd, at, some, np.array(apart, np.int64))
        self._flag(self._nfc, at, some, np.flatnonzero(counts[:, looks.COMPOSED]))
        told = language_of(counts[:, looks.WORDS], spoken)
        seen.languages += np.bincount(told + 1, minlength=len(LANGUAGES) + 1)
        for each in np.unique(told[told >= 0]).tolist():
            self._flag(seen.foreign.setdefault(each, _Flagged()), at, some, np.flatnonzero(told == each))
        main = np.where(letters.max(axis=1) > 0.5 * letters.sum(axis=1), letters.argmax(axis=1), -1)
        main[letters.sum(axis=1) < 5] = -1
        for each in np.unique(main[main >= 0]).tolist():
            self._flag(seen.scripts.setdefault(each, _Flagged()), at, some, np.flatnonzero(main == each))
        if len(counts):
            longest = int(counts[:, looks.WORDS].argmax())
            self._longest.append((int(counts[longest, looks.WORDS]), self._example(at, some, longest)))
            self._longest = sorted(self._longest, key=lambda each: -each[0])[:SHOWN]

    def _flag(
        self, flagged: _Flagged, at: int, some: Some, which: np.ndarray, sign: re.Pattern[str] | None = None
    ) -> None:
        flagged.count += len(which)
        for each in which[: max(0, SHOWN - len(flagged.examples))].tolist():
            flagged.examples.append(self._example(at, some, each, sign))

    def _example(self, at: int, some: Some, which: int, sign: re.Pattern[str] | None = None) -> Example:
        text = text_of(some.block, which)
        found = None if sign is None else sign.search(text)
        if found and found.start() > _BEFORE:
            text = "…" + text[found.start() - _BEFORE :]
        return Example(self._where(at, int(some.places[which])), text)

    def _where(self, at: int, place: int) -> str:
        return f"{self.parts[at].name} {self.parts[at].unit} {place:,}"

    def _part_of(self, text: int) -> int:
        return int(np.searchsorted(self._starts, text, side="right")) - 1

    def _at(self, text: int) -> str:
        return self._where(self._part_of(text), int(self._places[text]))

    def _broken(self) -> list[Issue]:
        """What could not be read, and what is empty."""
        total = len(self._exact)
        issues = broken_issues(
            [(part.name, seen.broken) for part, seen in zip(self.parts, self.seen, strict=True)], total
        )
        empty = np.flatnonzero(self._exact == 0)
        few = len(empty) < 0.01 * total and total >= 100
        if self._empty_is_bad or few:
            fix = "leave them out, or find what was lost"
            issues.append(
                Issue(
                    f"empty {self.things}",
                    "warning" if self._empty_is_bad else "note",
                    len(empty),
                    total,
                    [Example(self._at(each), "") for each in empty[:SHOWN].tolist()],
                    fix,
                )
            )
        return issues

    def _repeated(self) -> list[Issue]:
        """Texts that stand twice, in one split and in several."""
        total = len(self._exact)
        order = np.argsort(self._exact, kind="stable")
        ordered, splits = self._exact[order], self._split[order]
        new = np.ones(total, np.bool_)
        new[1:] = ordered[1:] != ordered[:-1]
        # Of equal texts the splits ascend, as the files do. The first of each text in each split stays.
        new_here = new.copy()
        new_here[1:] |= splits[1:] != splits[:-1]
        owner, first = np.empty(total, np.int64), np.empty(total, np.int64)
        owner[order] = order[new][np.cumsum(new) - 1]
        first[order] = order[new_here][np.cumsum(new_here) - 1]
        self._owner = owner
        # Two words are a pair, and in other texts a phrase.
        short = (self._words < (1 if self.things == "pairs" else _SAME_WORDS)) | (self._exact == 0)
        again = np.flatnonzero((first != np.arange(total)) & ~short)
        leaked = np.flatnonzero((self._split > self._split[owner]) & ~short)
        issues = []
        severity: Severity
        if len(again):
            severity = "warning" if len(again) >= _REPEATED * total else "note"
            shown = self._beside(again[:SHOWN], first)
            fix = self._dedup("--exact")
            issues.append(Issue(f"{self.things} that stand twice", severity, len(again), total, shown, fix))
        if len(leaked):
            later = int(np.count_nonzero(self._split > 0))
            shown = self._beside(leaked[:SHOWN], owner)
            fix = "take them out of one of the files: what was learned from cannot judge"
            severity = of_leakage(len(leaked), later)
            name = f"{self.things} of a later file that an earlier one has"
            issues.append(Issue(name, severity, len(leaked), later, shown, fix))
        issues += self._contradicted(owner, short)
        sizes = np.bincount(owner[~short], minlength=total) if total else np.zeros(1, np.int64)
        most = int(sizes.argmax())
        if sizes[most] >= max(_CROWD * total, _CROWDED):
            shown = [Example(self._at(most), f"{self._texts([most]).get(most, '')} ({sizes[most]:,} times)")]
            fix = "one source repeats itself (a form letter, a bot, a footer): leave it out, or keep it once"
            issues.append(
                Issue(f"{self.things} that are one and the same", "warning", int(sizes[most]), total, shown, fix)
            )
        return issues

    def _contradicted(self, owner: np.ndarray, short: np.ndarray) -> list[Issue]:
        """Texts that stand twice with different labels."""
        labeled = np.flatnonzero((self._codes >= 0) & ~short & (self._exact != 0))
        if not len(labeled):
            return []
        pairs = np.unique(np.stack([owner[labeled], self._codes[labeled]], axis=1), axis=0)
        several, kinds = np.unique(pairs[:, 0], return_counts=True)
        torn = np.isin(owner[labeled], several[kinds > 1])
        which = labeled[torn]
        names = {number: name for name, number in self._numbers.items()}
        # Examples stand side by side: two of each text.
        order = which[np.argsort(owner[which], kind="stable")]
        texts = self._texts(order[:SHOWN].tolist())
        shown = [
            Example(self._at(each), f"{names[int(self._codes[each])][:40]}: {texts[each]}")
            for each in order[:SHOWN].tolist()
        ]
        what = "scores" if self.things == "pairs" else "labels"
        fix = f"look at them: one of the {what} is wrong, or the text alone cannot tell"
        name = f"{self.things} whose copies have other {what}"
        return [Issue(name, "warning", len(which), len(labeled), shown, fix)]

    def _dedup(self, how: str) -> str:
        command = f": kinfold dedup FILE {how} -o clean.txt (a table: --text COLUMN, -o clean.csv)"
        return "leave all but one of each out" + (command if self.things == "texts" else "")

    def _beside(self, some: np.ndarray, others: np.ndarray) -> list[Example]:
        """Some texts by their number, each with the place of another one."""
        texts = self._texts(some.tolist())
        return [
            Example(f"{self._at(each)} = {self._at(int(others[each]))}", texts.get(each, "")) for each in some.tolist()
        ]

    def _nearly(self, rows: np.ndarray, keys: np.ndarray) -> list[Issue]:
        """Texts that share most runs of words with an earlier one."""
        alone = self._owner[rows] == rows
        rows, keys = np.asarray(rows[alone]), keys[alone]
        pairs = minhash.agreeing(keys)
        if len(pairs) > _COMPARED:
            self.notes.append(
                f"Of {len(pairs):,} pairs of texts that may be nearly alike {_COMPARED:,} were compared word for word."
            )
            pairs = pairs[np.sort(np.random.default_rng(0).choice(len(pairs), _COMPARED, replace=False))]
        if not len(pairs):
            return []
        from kinfold.prepare.tokens import sequences

        wanted, places = np.unique(pairs, return_inverse=True)
        texts = self._texts(rows[wanted].tolist())
        strings = [texts.get(each, "") for each in rows[wanted].tolist()]
        data = sequences(Items(strings), min_count=1, keep_empty=True, threads=self._threads)
        hashes, starts = minhash.shingles(np.asarray(data.ids), data.starts, 3)
        alike = minhash.jaccard(hashes, starts, places.reshape(-1, 2))
        near, alike = rows[pairs[alike >= NEAR]], alike[alike >= NEAR]
        if not len(near):
            return []
        total, issues = len(self._exact), []
        same = self._split[near[:, 0]] == self._split[near[:, 1]]
        within, across = near[same], near[~same]
        number = np.searchsorted(rows, within)
        owners = rows[joined(np.arange(len(rows)), number[:, 0], number[:, 1])]
        again = rows[owners != rows]
        if len(again):
            best = {
                int(second): (int(first), score) for (first, second), score in zip(within, alike[same], strict=True)
            }
            shown = [self._near_example(each, *best[each], texts) for each in again.tolist() if each in best][:SHOWN]
            severity: Severity = "warning" if len(again) >= _REPEATED * total else "note"
            fix = self._dedup(f"--threshold {NEAR}")
            issues.append(Issue(f"{self.things} that nearly repeat another", severity, len(again), total, shown, fix))
        if len(across):
            best = {}
            for (first, second), score in zip(across.tolist(), alike[~same], strict=True):
                later, earlier = (second, first) if self._split[second] > self._split[first] else (first, second)
                best.setdefault(later, (earlier, score))
            later_texts = int(np.count_nonzero(self._split > 0))
            shown = [self._near_example(each, *best[each], texts) for each in sorted(best)][:SHOWN]
            fix = "take them out of one of the files where they say the same: what was learned from cannot judge"
            name = f"{self.things} of a later file that an earlier one nearly has"
            issues.append(Issue(name, "warning", len(best), later_texts, shown, fix))
        return issues

    def _near_example(self, text: int, other: int, score: float, texts: dict[int, str]) -> Example:
        return Example(f"{self._at(text)} ≈ {self._at(other)}", f"{score:.2f}: {texts.get(text, '')}")

    def _texts(self, wanted: Sequence[int]) -> dict[int, str]:
        """Some texts by their number, read again."""
        left = np.unique(np.array(wanted, np.int64))
        found: dict[int, str] = {}
        for at, part in enumerate(self.parts):
            mine = left[(left >= self._starts[at]) & (left < self._starts[at + 1])]
            done = int(self._starts[at])
            for some in part.read(Broken()) if len(mine) else ():
                here = mine[(mine >= done) & (mine < done + len(some.places))]
                found.update((each, text_of(some.block, each - done)) for each in here.tolist())
                done += len(some.places)
                if done > mine[-1]:
                    break
        return found

    def _characters(self) -> list[Issue]:
        """Characters that are damaged, or written in two ways."""
        total = len(self._exact)
        issues = []
        for name, flagged in self._flags.items():
            count = flagged.count
            if name == "REPLACED":  # what was replaced in reading is told already
                count = max(0, count - sum(each.broken.counts[BAD_BYTES] for each in self.seen))
            severity: Severity = "note" if name in ("INVISIBLE", "MARKUP") else "warning"
            issues.append(
                Issue(f"{self.things} with {_FLAGS[name]}", severity, count, total, flagged.examples, _FIXES[name])
            )
        if self._nfd.count and self._nfc.count:
            rare = min((self._nfd, self._nfc), key=lambda each: each.count)
            form = "letters and marks apart (NFD)" if rare is self._nfd else "letters and marks in one (NFC)"
            other = "NFC" if rare is self._nfd else "NFD"
            fix = "bring all to one form: unicodedata.normalize('NFC', text); else a word is two to every learner"
            name = f"{self.things} with {form}, where most are {other}"
            issues.append(Issue(name, "warning", rare.count, total, rare.examples, fix))
        return issues

    def _mixed(self) -> list[Issue]:
        """Texts in another language or script than most of their file."""
        issues = []
        for kind, names, what in (("foreign", LANGUAGES, "language"), ("scripts", SCRIPTS, "script")):
            count, of, shown = 0, 0, []
            for seen in self.seen:
                found: dict[int, _Flagged] = getattr(seen, kind)
                if len(found) < 2:
                    of += sum(each.count for each in found.values())
                    continue
                main = max(found, key=lambda each: found[each].count)
                of += sum(each.count for each in found.values())
                count += sum(each.count for number, each in found.items() if number != main)
                others = sorted((number for number in found if number != main), key=lambda each: -found[each].count)
                shown += [
                    Example(where, f"{names[number]}: {text}")
                    for number in others
                    for where, text in found[number].examples[:2]
                ]
            fix = f"learn each {what} by itself, or leave the others out; is one file of another origin?"
            severity: Severity = "warning" if count >= _MUCH * of else "note"
            issues.append(Issue(f"{self.things} in another {what} than most", severity, count, of, shown, fix))
        return issues

    def _lengths(self) -> list[Issue]:
        words = self._words[self._words > 0]
        if not len(words):
            return []
        usual = float(np.quantile(words, 0.99))
        long = int(np.count_nonzero(words > max(_LONG * float(np.median(words)), 3 * usual, _LONG_WORDS)))
        shown = [Example(where, f"{count:,} words: {text}") for count, (where, text) in self._longest[:long]]
        fix = "divide them: a line break was lost, or several texts were joined"
        return [Issue(f"{self.things} far longer than all others", "note", long, len(words), shown, fix)]

    def _grouped(self) -> list[Issue]:
        """Groups that dominate, or that stand in two splits."""
        by_split = self._by_split("groups")
        return group_issues(by_split, self.things) if any(by_split.values()) else []

    def _by_split(self, what: str) -> dict[str, collections.Counter[str]]:
        found: dict[int, collections.Counter[str]] = {}
        names: dict[int, str] = {}
        for part, seen, split in zip(self.parts, self.seen, self.splits, strict=True):
            found.setdefault(split, collections.Counter()).update(getattr(seen, what))
            names.setdefault(split, part.name)
        return {names[split]: found[split] for split in found}

    def _tables(self) -> list[Table]:
        lines = []
        for at, (part, seen) in enumerate(zip(self.parts, self.seen, strict=True)):
            words = self._words[self._starts[at] : self._starts[at + 1]]
            words = words[words > 0]
            middle, most = (float(np.median(words)), int(words.max())) if len(words) else (0.0, 0)
            lines.append([part.name, seen.texts, seen.empty, seen.words, middle, most])
        header = ("file", self.things, "empty", "words", "median words", "most words")
        found = [Table("Files", header, lines)]
        languages = sum((each.languages for each in self.seen), np.zeros(len(LANGUAGES) + 1, np.int64))
        if languages[1:].sum():
            order = np.argsort(-languages[1:], kind="stable")
            rows = [
                [LANGUAGES[each], int(languages[each + 1]), languages[each + 1] / languages.sum()]
                for each in order.tolist()
            ]
            rows = [*(row for row in rows if row[1]), ["not told", int(languages[0]), languages[0] / languages.sum()]]
            found.append(Table("Languages, by their small words", ("language", self.things, "share"), rows))
        letters = sum((each.letters for each in self.seen), np.zeros(len(SCRIPTS), np.int64))
        if np.count_nonzero(letters) > 1:
            order = np.argsort(-letters, kind="stable")
            rows = [
                [SCRIPTS[each], int(letters[each]), letters[each] / letters.sum()]
                for each in order.tolist()
                if letters[each]
            ]
            found.append(Table("Letters by script", ("script", "letters", "share"), rows))
        return found


def text_of(block: Block, which: int) -> str:
    """One text of a block, without its line's end."""
    begin = int(block.ends[which - 1]) if which else 0
    return block.data[begin : int(block.ends[which])].tobytes().decode().rstrip("\r\n")


def _look(block: Block, seeds: np.ndarray) -> tuple[np.ndarray, ...]:
    """What each text of a block is like: counts, letters, words of languages, hash and keys."""
    from kinfold.kernels._jit import plain
    from kinfold.kernels.looks import COUNTS, look

    count = len(block.ends)
    out = (
        np.zeros((count, COUNTS), np.int32),
        np.zeros((count, len(SCRIPTS)), np.int32),
        np.zeros((count, len(LANGUAGES)), np.int32),
        np.zeros(count, np.uint64),
        np.zeros((count, _BANDS), np.uint64),
    )
    look(plain(block.data), plain(block.ends), *tables(), seeds, _EACH, _NEAR_WORDS, *out)
    return out
