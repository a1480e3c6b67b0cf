"""Compress: rows as product codes, within a budget of bytes."""

from __future__ import annotations

import os
import tempfile
from dataclasses import asdict, dataclass, replace

import numpy as np

from kinfold.core.codes import Codes
from kinfold.core.columns import matrix_of
from kinfold.core.errors import BadData, BadOption
from kinfold.core.intervals import of_mean
from kinfold.core.keys import utf8
from kinfold.core.parts import Parts, mean
from kinfold.core.report import Finding, Report
from kinfold.core.rows import Rows
from kinfold.core.space import Space
from kinfold.transform.codebooks import Codebooks

# Rows whose neighbors are compared before and after, and how many of them.
_JUDGED, _NEIGHBORS = 1000, 10
# Rows that a pruned classifier keeps at least.
_FEWEST = 256
# Bytes that the card may say more when all is done.
_CARD = 2048


@dataclass(frozen=True, slots=True)
class Compress:
    """Rows as product codes: a byte for each few coordinates, and one for a row's length; read as before.

    What a method keeps beside its rows to go on learning (attributes `own` and `context` of words) is let go. A text
    classifier by fastText keeps its labels' rows as they are and can also lose its features with the shortest rows,
    words and n-grams, so that it fits a budget; n-grams without a row then no longer count in the mean of a text.

    Args:
        width: Coordinates that a byte stands for.
        lengths: Whether the lengths of rows have a byte of their own, and directions are coded apart from them.
        bytes: The file may be so large; a Space takes the smallest width from `width` on with which it is, and a
            classifier keeps `width` and loses features. No budget by default.
        format: Of the file that the budget is for.
        iterations: Of k-means, for each codebook.
        seed: Of k-means.

    Raises:
        BadOption: A field outside its range, or a budget that nothing fits.
        BadData: There is no row, a row is not finite, or rows are codes already.

    Source:
        Jégou, Douze, Schmid 2011 (product quantization); Joulin et al. 2016 (arXiv 1612.03651: lengths, pruning).

    Example:
        >>> space = Space.of([f"row {i}" for i in range(500)], np.random.default_rng(0).normal(size=(500, 8)))
        >>> small = Compress(width=2).apply(space)
        >>> small.rows.dtype, small.rows.values.codes.shape
        (dtype('uint8'), (500, 4))
    """

    width: int = 2
    lengths: bool = True
    bytes: int | None = None
    format: str = "arrow"
    iterations: int = 25
    seed: int = 0

    def __post_init__(self) -> None:
        for name, high in (("width", 65_536), ("iterations", 10_000)):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int | np.integer) or not 1 <= value <= high:
                raise BadOption(f"{name} is {value!r}; it is a whole number from 1 to {high:,}.")
        if self.bytes is not None and self.bytes < 1:
            raise BadOption(f"bytes is {self.bytes}; a budget is at least 1.")

    def apply(self, space: Space) -> Space:
        """The Space with coded rows; its card has a Report `compression`: what it cost."""
        if not len(space) or not space.dim:
            raise BadData("there is nothing to compress: the Space has no rows, or rows without coordinates.")
        if isinstance(space.rows.values, Codes):
            raise BadData("the rows are codes already; compress the Space that they were made of.")
        if self.format not in ("arrow", "fasttext"):
            raise BadOption(f"codes are kept by .arrow, and those of a classifier by .ftz, but not by '{self.format}'.")
        if self.width > space.dim:
            raise BadOption(f"width is {self.width}, but rows have {space.dim} coordinates; take a smaller width.")
        space.rows.refuse_non_finite("compress")
        classifier = space.card.method == "supervised" and "label" in space.groups
        parted = _Parted(space) if classifier else _Whole(space)
        width, kept = self._fitting(parted)
        rows = parted.rows(kept)
        books = Codebooks.of(rows, width, self.lengths, self.iterations, self.seed)
        codes = books.codes(rows)
        made = parted.space(kept, codes)
        card = space.card.then("compress", **{**asdict(self), "width": width}, kept=len(kept), of=parted.size)
        made = replace(made, card=replace(card, parameters=made.card.parameters))
        return made.with_report(self._report(parted, kept, made, codes))

    def _fitting(self, parted: _Whole | _Parted) -> tuple[int, np.ndarray]:
        """The width, and the rows (m,) int64 to code, with which the file is within the budget."""
        every = np.arange(parted.size)
        widths = [self.width]
        while widths[-1] < parted.dim and not isinstance(parted, _Parted):
            widths.append(min(2 * widths[-1], parted.dim))
        if self.bytes is None:
            return self.width, every
        least = 0
        for width in widths:
            least = self._size(parted, width, every)
            if least <= self.bytes:
                return width, every
        if isinstance(parted, _Parted):
            ranked = np.argsort(-parted.lengths, kind="stable")
            low, high = min(_FEWEST, parted.size), parted.size
            least = self._size(parted, self.width, np.sort(ranked[:low]))
            while least <= self.bytes and high - low > max(1, parted.size // 1000):
                middle = (low + high) // 2
                within = self._size(parted, self.width, np.sort(ranked[:middle])) <= self.bytes
                low, high = (middle, high) if within else (low, middle)
            if least <= self.bytes:
                return self.width, np.sort(ranked[:low])
        raise BadOption(
            f"bytes is {self.bytes:,}, but the smallest file has {least:,}; take a larger budget, or fewer rows "
            "(kinfold restrict)."
        )

    def _size(self, parted: _Whole | _Parted, width: int, kept: np.ndarray) -> int:
        """Bytes of the file with these rows: they do not depend on what the codes are."""
        from kinfold.io import FORMATS, save

        books = np.zeros((-(-parted.dim // width), 256, width), np.float32)
        norms = (np.zeros(len(kept), np.uint8), np.zeros(256, np.float32)) if self.lengths else (None, None)
        codes = Codes(np.zeros((len(kept), len(books)), np.uint8), books, parted.dim, *norms)
        with tempfile.TemporaryDirectory(prefix="kinfold.") as folder:
            path = os.path.join(folder, "sized.ftz" if self.format == "fasttext" else "sized")
            save(parted.space(kept, codes), path, self.format)
            return os.path.getsize(path) + (_CARD if FORMATS[self.format].keeps == "all" else 0)

    def _report(self, parted: _Whole | _Parted, kept: np.ndarray, made: Space, codes: Codes) -> Report:
        before, after = parted.space_before(), made.group(next(iter(made.groups)))
        findings = [
            Finding("bytes of rows before", 4 * parted.size * parted.dim, unit="B"),
            Finding("bytes of their codes", codes.nbytes, unit="B"),
            Finding("rows kept", len(kept), n=parted.size),
        ]
        names = after.keys.names.to_pylist()
        rng = np.random.default_rng(self.seed)
        asked = [names[row] for row in np.sort(rng.choice(len(names), min(_JUDGED, len(names)), replace=False))]
        one, two = before.vectors([f"{next(iter(made.groups))}:{name}" for name in asked]), after.vectors(asked)
        lengths = np.linalg.norm(one, axis=1) * np.linalg.norm(two, axis=1)
        cosines = np.einsum("ij,ij->i", one, two) / np.where(lengths > 0, lengths, 1)
        findings.append(Finding("cosine to the row before", float(cosines.mean()), *of_mean(cosines), len(cosines)))
        if len(kept) == parted.size and len(names) > _NEIGHBORS:
            near = before.group(next(iter(made.groups))).nearest_many(asked, _NEIGHBORS)
            found = after.nearest_many(asked, _NEIGHBORS)
            shares = np.array([len(set(a.keys) & set(b.keys)) / len(a) for a, b in zip(near, found, strict=True)])
            findings.append(Finding(f"nearest {_NEIGHBORS} kept", float(shares.mean()), *of_mean(shares), len(shares)))
        return Report("compression", findings)


class _Whole:
    """A Space all of whose rows are coded as they are."""

    def __init__(self, space: Space) -> None:
        self._space = space
        self.size, self.dim = len(space), space.dim

    def rows(self, kept: np.ndarray) -> np.ndarray:
        return self._space.rows.dense()

    def space(self, kept: np.ndarray, codes: Codes) -> Space:
        table = self._space.table
        if table is not None:
            dropped = [name for name in ("own", "context") if name in table.column_names]
            table = table.drop_columns(dropped) if len(dropped) < table.num_columns else None
        return replace(self._space, rows=Rows(codes), table=table)

    def space_before(self) -> Space:
        return self._space


class _Parted:
    """A classifier: own rows of words and those of n-grams are coded, those of labels are kept."""

    def __init__(self, space: Space) -> None:
        self._space = space
        self._groups = {name: space.groups.get(name, range(0)) for name in ("word", "ngram", "label")}
        words, ngrams = len(self._groups["word"]), len(self._groups["ngram"])
        self.size, self.dim = words + ngrams, space.dim
        self._rows = space.rows.take(slice(0, self.size))
        self._composed = space.table is not None and "own" in space.table.column_names
        if self._composed:
            self._rows[:words] = matrix_of(space.group("word").attribute("own"), space.dim)
        self.lengths = np.linalg.norm(self._rows, axis=1)
        # The word that ends every text is kept, as in fastText, and so is one n-gram, for the group to be there.
        end = int(space.keys.rows(["</s>"], "word")[0])
        longest = words + int(self.lengths[words:].argmax()) if ngrams else -1
        self.lengths[[row for row in (end, longest) if row >= 0]] = np.inf

    def rows(self, kept: np.ndarray) -> np.ndarray:
        rows: np.ndarray = self._rows[kept]
        return rows

    def space(self, kept: np.ndarray, codes: Codes) -> Space:
        space, labels = self._space, self._groups["label"]
        words = int(np.count_nonzero(kept < len(self._groups["word"])))
        part = space.take(np.concatenate([kept, np.arange(labels.start, labels.stop)]))
        assert part.table is not None
        table = part.table.drop_columns(["own"]) if self._composed else part.table
        card = replace(part.card, parameters={**part.card.parameters, "pruned": True})
        places, exact = np.arange(len(kept), len(part)), space.rows.take(slice(labels.start, labels.stop))
        blank = np.zeros((len(labels), codes.codes.shape[1]), np.uint8)
        codes = replace(
            codes,
            codes=np.concatenate([codes.codes, blank]),
            norm_codes=None if codes.norm_codes is None else np.concatenate([codes.norm_codes, blank[:, 0]]),
            places=places,
            exact=exact,
        )
        made = replace(part, rows=Rows(codes), table=table, card=card)
        return self._with_means(made, words) if self._composed else made

    def _with_means(self, made: Space, words: int) -> Space:
        """Words that are means are float32 rows over the codes of their own rows."""
        codes = made.rows.values
        assert isinstance(codes, Codes)
        means = np.empty((words, made.dim), np.float32)
        own = codes.beneath()
        for sums in Parts.of(made).sums(*utf8(made.keys.group("word").names), None):
            means[sums.start : sums.stop] = mean(own[sums.start : sums.stop], sums)
        places = np.concatenate([np.arange(words), codes.places])
        return replace(made, rows=Rows(replace(codes, places=places, exact=np.concatenate([means, codes.exact]))))

    def space_before(self) -> Space:
        return self._space
