"""What kind of data a file holds, by its name and its first lines."""

from __future__ import annotations

import re
import zipfile
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Literal, NamedTuple, get_args

from kinfold.core.errors import BadData, BadOption, UnknownName, did_you_mean
from kinfold.core.streams import bare_name
from kinfold.core.tags import is_tag
from kinfold.quality.fields import Rows, form_of, head_of, is_number
from kinfold.sources.labeled import PREFIX
from kinfold.sources.tables import is_table
from kinfold.sources.text_pairs import NAMES

Kind = Literal["text", "labeled", "tags", "pairs", "interactions", "table", "images"]
KINDS: tuple[Kind, ...] = get_args(Kind)
IMAGES = (".jpg", ".jpeg", ".png", ".gif", ".bmp", ".webp", ".tif", ".tiff", ".ppm", ".pgm")

# What columns are often called.
USERS = ("user", "user_id", "userid", "uid", "customer", "customer_id", "reviewerid", "visitor", "visitor_id")
ITEMS = ("item", "item_id", "itemid", "movie", "movie_id", "movieid", "product", "product_id", "artist", "artist_id",
         "artistid", "book_id", "track", "track_id", "song_id", "asin", "isbn")  # fmt: skip
WEIGHTS = ("weight", "rating", "score", "stars", "plays", "count", "overall")
TIMES = ("time", "timestamp", "date", "datetime", "ts", "unixreviewtime", "created_at")
TEXTS = ("text", "sentence", "document", "content", "body", "review", "tweet", "comment", "message", "caption", "title")
LABELS = ("label", "labels", "target", "class", "y", "category", "sentiment", "outcome")
GROUPS = ("group", "group_id", "patient", "patient_id", "subject", "subject_id", "speaker", "speaker_id", "source",
          "author")  # fmt: skip
# A second between these years is a time: 1980 to 2100, also in milliseconds.
_MOMENTS = ((3.2e8, 4.2e9), (3.2e11, 4.2e12))
# Words of a median value from which a column is text, and lines from which a label is recognized.
_WORDS, _LINES = 4, 20
_MOST_CLASSES = 20


class Recognized(NamedTuple):
    """What a file is.

    Args:
        kind: Of the data.
        why: How that was seen.
        columns: Which column is what: `text`, `label`, `user` …
    """

    kind: Kind
    why: str
    columns: dict[str, str]


def recognize(path: Path, kind: Kind | None = None, named: dict[str, str] | None = None) -> Recognized:
    """What a file or folder holds.

    Args:
        path: Of it.
        kind: What it is said to be; found out where it is None.
        named: Columns that are given.

    Raises:
        BadData: It is none of what can be looked at, or has not what its kind needs.
        BadOption: A column is given, and there are none.
        UnknownName: There is no such column.
    """
    given = dict(named or {})
    if path.is_dir() and kind in (None, "text") and not given and texts_in(path):
        return Recognized("text", "a folder with texts", given)
    if path.is_dir() or path.suffix.lower() in (".zip", *IMAGES):
        if kind not in (None, "images"):
            raise BadData(f"{path}: is a folder, an archive or an image; {kind} is in one file. Name that.")
        return Recognized("images", _images(path), given)
    head = head_of(path)
    name = bare_name(path).lower()
    structured = name.endswith((".jsonl", ".ndjson", ".parquet"))
    lines = [line for line in head if not line.startswith("# ")]
    if not structured and kind in (None, "tags", "labeled"):
        found = _of_lines(lines, kind, name)
        if found is not None:
            return Recognized(*found, given)
        if kind == "tags":
            return Recognized("tags", "as it was said", given)
    if kind == "text" and not structured and not given:
        return Recognized("text", "as it was said", given)
    form = None if structured else form_of(path, lines)
    if form is None and not structured:
        return _undivided(lines, kind, given)
    rows = Rows(path) if structured else Rows(path, form_of(path, head))
    sample = next(iter(rows.batches()), None)
    columns = {each: [] if sample is None else sample.columns[each].slice(0, 200).to_pylist() for each in rows.names}
    for name in given.values():
        if name not in columns:
            near = did_you_mean(name, columns)
            raise UnknownName(f"{path}: has no column '{name}'.{near} It has: {', '.join(columns)}.")
    return _of_columns(columns, kind, given, form is None or form.header, structured)


def texts_in(folder: Path) -> list[Path]:
    """The files of texts in a folder, as `sources.text` reads them; none where it has images."""
    files = sorted(each for each in folder.rglob("*") if each.is_file())
    files = [each for each in files if not any(part.startswith(".") for part in each.relative_to(folder).parts)]
    if any(each.suffix.lower() in IMAGES for each in files):
        return []
    return [each for each in files if not is_table(each) and head_of(each)]


def _images(path: Path) -> str:
    if path.suffix.lower() in IMAGES:
        return "by its ending"
    if path.is_dir():
        if any(each.suffix.lower() in IMAGES for each in path.rglob("*")):
            return "a folder with images"
        raise BadData(f"{path}: is a folder without images and texts; name the files in it instead.")
    try:
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError) as error:
        raise BadData(f"{path}: the .zip archive is damaged or cut short ({error}); fetch it again.") from error
    if not any(Path(each).suffix.lower() in IMAGES for each in names):
        raise BadData(
            f"{path}: is an archive without images ({', '.join(IMAGES)}); unpack it and name the files in it."
        )
    return "an archive with images"


def _of_lines(lines: Sequence[str], kind: Kind | None, name: str) -> tuple[Kind, str] | None:
    """Labeled texts or tagged words, by how lines begin and end."""
    if name.endswith(".csv"):
        return None
    if any(line.startswith(PREFIX) for line in lines):
        return "labeled", f"its lines begin with {PREFIX}"
    fields = [re.split("\t| ", line.strip()) for line in lines]
    tags = [
        len(each) > 1 and is_tag(each[-1]) and (len(each) == 2 or "\t" not in line)
        for each, line in zip(fields, lines, strict=True)
    ]
    if kind != "labeled" and lines and sum(tags) >= 0.9 * len(lines):
        return "tags", "each line is a word and its tag"
    firsts = Counter(each[0] for each in fields)
    few = len(firsts) <= _MOST_CLASSES and min(firsts.values(), default=0) >= 3 and len(lines) >= _LINES
    words = sorted(len(each) for each in fields)
    numbered = all(each.isdecimal() for each in firsts) and not all(is_number(each) for row in fields for each in row)
    if kind == "labeled" or (few and numbered and len(firsts) > 1 and words[len(words) // 2] > _WORDS):
        return "labeled", f"its lines begin with one of {len(firsts)} labels"
    return None


def _undivided(lines: Sequence[str], kind: Kind | None, given: dict[str, str]) -> Recognized:
    """Lines that are not divided into columns."""
    if given:
        raise BadOption(f"{', '.join(given)} are columns of a table; this file is lines without columns.")
    numbers = [[each.isdecimal() for each in line.split()] for line in lines]
    users = bool(lines) and all(len(each) > 1 and all(each) for each in numbers)
    if kind == "interactions" or (kind is None and users):
        return Recognized("interactions", "its lines are a user and the items that it met", given)
    if kind in (None, "text"):
        return Recognized("text", "its lines are texts", given)
    raise BadData(f"the file is lines of text, with no columns; {kind} has some: .csv, .tsv, .jsonl or .parquet.")


def _of_columns(
    columns: dict[str, list[str | None]], kind: Kind | None, given: dict[str, str], header: bool, structured: bool
) -> Recognized:
    plain = {name.lower().strip(): name for name in reversed(list(columns))} if header else {}
    named = dict(given)

    def usual(what: str, among: Sequence[str]) -> str | None:
        taken = {value for key, value in named.items() if key != what}
        return named.get(what) or next(
            (plain[each] for each in among if each in plain and plain[each] not in taken), None
        )

    user, item = usual("user", USERS), usual("item", ITEMS)
    if kind in (None, "tags") and ({"tokens", "tags"} <= set(plain) or {"text", "spans"} <= set(plain)):
        return Recognized("tags", "its columns are words and tags", named)
    if kind == "interactions" or (kind is None and user and item):
        return _interactions(columns, header, named, usual)
    left, right = usual("left", NAMES["left"]), usual("right", NAMES["right"])
    if kind == "pairs" or (kind is None and left and right):
        why = f"columns {left} and {right}" if left and right else "as it was said"
        return Recognized("pairs", why, named)
    if kind is None and not header:
        found = _without_header(columns)
        if found == "interactions":
            return _interactions(columns, header, named, usual)
        if found:
            return Recognized(found, "its lines are two texts and what goes with them", named)
    text = usual("text", TEXTS)
    long = [name for name, values in columns.items() if _words(values) >= _WORDS]
    label = usual("label", LABELS)
    alone = text and (_words(columns.get(text, [])) >= _WORDS or set(columns) <= {text, label}) and len(long) <= 2
    if kind in ("text", "labeled") or (kind is None and alone and (structured or len(columns) <= 4 or text in long)):
        text = text or (long[0] if long else next(iter(columns)))
        named["text"] = text
        group = usual("group", GROUPS)
        if group:
            named["group"] = group
        if label and label != text:
            return Recognized(
                "labeled", f"texts are in the column {text}, labels in {label}", {**named, "label": label}
            )
        return Recognized("text", f"texts are in the column {text}", named)
    label = label or _last_class(columns, header)
    if label:
        named["label"] = label
    group = usual("group", GROUPS)
    if group:
        named["group"] = group
    return Recognized("table", "its lines have columns", named)


def _interactions(
    columns: dict[str, list[str | None]], header: bool, named: dict[str, str], usual: object
) -> Recognized:
    assert callable(usual)
    if header:
        found = {what: usual(what, names) for what, names in
                 (("user", USERS), ("item", ITEMS), ("weight", WEIGHTS), ("time", TIMES))}  # fmt: skip
    else:
        names = list(columns)
        time = next((each for each in names[2:] if _moment(columns[each])), None)
        weight = next((each for each in names[2:] if each != time), None)
        found = {
            "user": names[0],
            "item": names[1] if len(names) > 1 else None,
            "weight": weight,
            "time": time,
            **named,
        }
    for what in ("user", "item"):
        if not found.get(what):
            raise BadData(f"which column holds the {what}s? Name it: --{what}. It has: {', '.join(columns)}.")
    told = {name: column for name, column in found.items() if column}
    return Recognized("interactions", ", ".join(f"{name} {column}" for name, column in told.items()), told)


def _without_header(columns: dict[str, list[str | None]]) -> Kind | None:
    """Interactions or pairs of texts, by what stands in columns without names."""
    values = list(columns.values())
    numbers = [_numbers(each) for each in values]
    if 2 <= len(values) <= 4 and all(numbers):
        ids = all(all(text.isdecimal() for text in each if text) for each in values[:2])
        several = all(len(set(each)) > 2 for each in values[:2])
        return "interactions" if ids and several and (len(values) < 4 or _moment(values[3])) else None
    if len(values) in (2, 3) and not any(numbers[:2]) and min(_words(each) for each in values[:2]) >= 1:
        return "pairs" if (len(values) == 2 or numbers[2]) else None
    if len(values) >= 7 and numbers[4] and min(_words(each) for each in values[5:7]) >= _WORDS:
        return "pairs"
    return None


def _last_class(columns: dict[str, list[str | None]], header: bool) -> str | None:
    """The last column of those without names, where it takes few values again and again."""
    if header or len(columns) < 3:
        return None
    *_, before, name = columns
    values = Counter(each for each in columns[name] if each)
    if len({each for each in columns[before] if each}) <= len(values):
        return None  # a row of flags has no label at its end
    return name if 2 <= len(values) <= _MOST_CLASSES and min(values.values()) >= 2 else None


def _words(values: Sequence[str | None]) -> int:
    lengths = sorted(len(each.split()) for each in values if each)
    return lengths[len(lengths) // 2] if lengths else 0


def _numbers(values: Sequence[str | None]) -> bool:
    some = [each for each in values if each]
    return bool(some) and sum(is_number(each) for each in some) >= 0.9 * len(some)


def _moment(values: Sequence[str | None]) -> bool:
    some = [float(each) for each in values if each and is_number(each)]
    return bool(some) and any(low <= min(some) and max(some) <= high for low, high in _MOMENTS)
