"""Sentences with a tag for each word: lines as of the CoNLL tasks, or lines of JSON."""

from __future__ import annotations

import itertools
import json
import os
import re
from collections.abc import Iterator, Sequence
from typing import Any, Literal, NamedTuple

from kinfold.core.errors import BadData, BadFile, BadOption
from kinfold.core.files import existing
from kinfold.core.streams import bare_name
from kinfold.core.tags import Marked, Tagged, is_tag, scheme_of, spans_of, tags_of
from kinfold.sources.lines import Lines
from kinfold.sources.text import BadBytes

# A word of running text: a link, a name or topic of a tweet, letters and digits, what follows an apostrophe, or a mark.
_WORD = re.compile(r"https?://\S+|[@#]\w+|\w+(?:[-.]\w+)*|['’]\w+|[^\w\s]")
_WAY = "Correct or drop the line, or pass on_bad='skip'."


class Word(NamedTuple):
    """A word of a text, and where it begins and ends, in characters."""

    text: str
    begin: int
    end: int


def words_of(text: str, cuts: Sequence[int] = ()) -> list[Word]:
    """The words of a running text.

    Args:
        text: The text.
        cuts: Places where a word ends or begins in any case.

    Example:
        >>> [word.text for word in words_of("It's @home, at 3.5%.")]
        ['It', "'s", '@home', ',', 'at', '3.5', '%', '.']
    """
    ends = [*sorted(set(cuts)), len(text)]
    found, begin = [], 0
    for end in ends:
        found += [Word(each.group(), *each.span()) for each in _WORD.finditer(text, begin, end)]
        begin = end
    return found


def read(
    source: Any,
    *,
    prefix: str = "",
    on_bad: Literal["raise", "skip"] = "raise",
    bad_bytes: BadBytes = "replace",
) -> Tagged:
    """Sentences with a tag for each word, brought to IOB2.

    Args:
        source: A file of lines, each with a word first and its tag last, between tabs or blanks, and an empty line
            between sentences (`# …` and `-DOCSTART-` are passed over); a file .jsonl whose lines have `tokens` and
            `tags`, or `text` and `spans` (each `begin`, `end` in characters and `type`; also `start` and `label`);
            either may be packed. Or pairs of words and tags.
        prefix: What each word begins with that is no part of it, such as `en:`.
        on_bad: raise an error at a line that is none, or skip and count it.
        bad_bytes: What happens to bytes that are not UTF-8: replace (by U+FFFD), ignore, or strict (an error).

    Raises:
        BadFile: The file is missing or cannot be read.
        BadData: A line has no word or no tag, or there is no sentence; the text names file and line.
        BadOption: `on_bad` is unknown.

    Example:
        >>> read([(["New", "York", "!"], ["I-LOC", "I-LOC", "O"])]).tags
        [['B-LOC', 'I-LOC', 'O']]
    """
    if on_bad not in ("raise", "skip"):
        raise BadOption(f"on_bad={on_bad!r} is not known; it is 'raise' or 'skip'.")
    found: list[tuple[list[str], list[str]]] = []
    skipped = 0
    for place, sentence in _sentences(source, bad_bytes):
        if isinstance(sentence, str):
            if on_bad == "raise":
                raise BadData(f"{place}: {sentence}. {_WAY}")
            skipped += 1
        else:
            found.append(sentence)
    if not found:
        name = source if isinstance(source, str | os.PathLike) else "the source"
        raise BadData(f"{name}: holds no sentence with tags; lines are a word and its tag, as 'Paris<tab>B-LOC'.")
    tags = [each for _, each in found]
    words = [[word.removeprefix(prefix) or word for word in each] for each, _ in found]
    clean = [tags_of(spans_of(each), len(each)) for each in tags]
    return Tagged(words, clean, scheme_of(tags), skipped)


def _sentences(source: Any, bad_bytes: BadBytes) -> Iterator[tuple[str, tuple[list[str], list[str]] | str]]:
    """Words and tags of each sentence, or what is wrong, with the place."""
    if isinstance(source, Tagged):
        source = list(zip(source.words, source.tags, strict=True))
    if not isinstance(source, str | os.PathLike):
        yield from _of_pairs(source)
        return
    path = existing(source)
    if path.is_dir():
        raise BadFile(f"{path}: is a folder; name a file in it.")
    lines = ((f"{path} line {number:,}", line) for number, line in enumerate(Lines(path, bad_bytes), 1))
    yield from parsed(lines, path)


def parsed(
    lines: Iterator[tuple[str, str]], name: str | os.PathLike[str]
) -> Iterator[tuple[str, tuple[list[str], list[str]] | str]]:
    """Words and tags of each sentence of lines, or what is wrong, with the place.

    Args:
        lines: The place of each and the line.
        name: Of their file; its ending says whether they are JSON.
    """
    yield from (_of_json if bare_name(name).lower().endswith((".jsonl", ".ndjson")) else _of_lines)(lines)


def _of_lines(lines: Iterator[tuple[str, str]]) -> Iterator[tuple[str, tuple[list[str], list[str]] | str]]:
    words: list[str] = []
    tags: list[str] = []
    place = ""
    for place, line in lines:
        if not line.strip():
            if words:
                yield place, (words, tags)
            words, tags = [], []
            continue
        split = "\t" if "\t" in line.strip() else " "
        fields = [each.strip(" \r") for each in line.split(split)]
        fields = fields if split == "\t" else [each for each in fields if each]
        while fields and not fields[-1]:
            fields.pop()
        good = len(fields) > 1 and fields[0] and is_tag(fields[-1])
        if good and fields[0] != "-DOCSTART-":
            words.append(fields[0])
            tags.append(fields[-1])
        elif not good and not line.startswith("#") and not line.startswith("-DOCSTART-"):
            yield place, f"{line[:60]!r} is not a word and its tag (O, B-TYPE, I-TYPE …)"
    if words:
        yield place, (words, tags)


def _of_json(lines: Iterator[tuple[str, str]]) -> Iterator[tuple[str, tuple[list[str], list[str]] | str]]:
    for place, line in lines:
        if not line.strip():
            continue
        try:
            made = _of_record(json.loads(line))
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
            told = f"it has no {error}" if isinstance(error, KeyError) else str(error)
            yield place, f"is no sentence with tags ({told[:120]})"
            continue
        if made[0]:
            yield place, made


def _of_record(record: Any) -> tuple[list[str], list[str]]:
    if not isinstance(record, dict):
        raise ValueError("a line is an object with tokens and tags, or text and spans")
    if "tokens" in record or "words" in record:
        return _checked(record.get("tokens", record.get("words")), record["tags"])
    text = record["text"]
    if not isinstance(text, str):
        raise ValueError("its text is no string")
    spans = sorted(_span(each, len(text)) for each in record["spans"])
    for (_, end, _), (begin, _, _) in itertools.pairwise(spans):
        if begin < end:
            raise ValueError(f"two of its spans share the character {begin}")
    cut = words_of(text, [place for begin, end, _ in spans for place in (begin, end)])
    marked = []
    for begin, end, kind in spans:
        inside = [at for at, word in enumerate(cut) if begin <= word.begin and word.end <= end]
        if not inside:
            raise ValueError(f"no word is in the span from {begin} to {end}")
        marked.append(Marked(kind, inside[0], inside[-1] + 1))
    return [word.text for word in cut], tags_of(marked, len(cut))


def _span(given: Any, length: int) -> tuple[int, int, str]:
    if isinstance(given, list):
        begin, end, kind = given
    else:
        begin = given["begin"] if "begin" in given else given["start"]
        end, kind = given["end"], given["type"] if "type" in given else given["label"]
    if not (type(begin) is type(end) is int and 0 <= begin < end <= length):
        raise ValueError(f"a span from {begin} to {end} is not in a text of {length} characters")
    if not isinstance(kind, str) or not kind:
        raise ValueError("a span has no type")
    return begin, end, kind


def _of_pairs(source: Any) -> Iterator[tuple[str, tuple[list[str], list[str]] | str]]:
    try:
        pairs = list(source)
    except TypeError as error:
        raise BadData(
            f"sentences with tags cannot be read from {type(source).__name__}; give a file, or pairs of words and tags."
        ) from error
    for number, pair in enumerate(pairs):
        try:
            words, tags = pair
            made = _checked(words, tags)
        except (ValueError, TypeError) as error:
            yield f"sentence {number:,}", f"is no pair of words and tags ({str(error)[:120]})"
            continue
        if made[0]:
            yield f"sentence {number:,}", made


def _checked(words: Any, tags: Any) -> tuple[list[str], list[str]]:
    if isinstance(words, str) or isinstance(tags, str):
        raise ValueError("words and tags are lists, not one string")
    words, tags = list(words), list(tags)
    if len(words) != len(tags):
        raise ValueError(f"{len(words)} words do not go with {len(tags)} tags")
    if not all(isinstance(word, str) and word for word in words):
        raise ValueError("a word is no string, or an empty one")
    bad = next((tag for tag in tags if not (isinstance(tag, str) and is_tag(tag))), None)
    if bad is not None:
        raise ValueError(f"{str(bad)[:30]!r} is no tag; tags are O, B-TYPE, I-TYPE …")
    return words, tags
