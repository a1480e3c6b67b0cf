"""Images: what does not open, is blank, stands twice or nearly so, by a hash of what is seen; classes by folder.

Source:
    Zauner 2010 (perceptual hash by the lowest frequencies of a cosine transform).
"""

from __future__ import annotations

import collections
import contextlib
import functools
import hashlib
import io
import warnings
import zipfile
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from kinfold.core.errors import MissingExtra
from kinfold.core.progress import Progress
from kinfold.core.report import Table
from kinfold.core.threads import many
from kinfold.kernels import minhash
from kinfold.kernels.near import joined, near_pairs
from kinfold.quality.classes import balance
from kinfold.quality.issue import Example, Issue, Severity, of_leakage
from kinfold.quality.kind import IMAGES

# Sides of the picture that is compared and that the hash is made of, and of its lowest frequencies.
_SIDE, _LOW = 32, 8
# Images that are all compared with each other; of more, those whose hashes agree in 16 of 64 bits side by side.
_COMPARED = 20_000
_BANDS = 8
# Correlation of the details of two images that are the same. Copies that were made smaller, darker or of lower quality
# have 0.93 and more, photos of two shirts on one table up to 0.82.
_ALIKE = 0.85
# Gray values of a blank image spread less; sides below this are too few to see anything; and how long one may be.
_BLANK, _TINY, _LONG = 2.0, 8, 20.0
# Names of folders that are splits, the first of them what is learned from.
_SPLITS = ("train", "training", "dev", "val", "valid", "validation", "test", "testing")
_ENDINGS = {".jpg": "JPEG", ".jpeg": "JPEG", ".png": "PNG", ".gif": "GIF", ".bmp": "BMP", ".webp": "WEBP",
            ".tif": "TIFF", ".tiff": "TIFF", ".ppm": "PPM", ".pgm": "PPM"}  # fmt: skip
_AT_ONCE = 64
_LARGEST = 1 << 30  # bytes of an image in an archive


class _Image(NamedTuple):
    """What is seen of an image; only what is wrong, where it does not open."""

    wrong: str = ""
    digest: bytes = b""
    hash_: int = 0
    small: np.ndarray = np.zeros(0, np.uint8)
    width: int = 0
    height: int = 0
    mode: str = ""
    form: str = ""
    spread: float = 0.0


class _Named(NamedTuple):
    """An image of a source.

    Args:
        name: For people.
        split: The number of its split.
        label: Its folder; empty where that is no class.
        read: Gives its bytes.
    """

    name: str
    split: str
    label: str
    read: Callable[[], bytes]


def check_images(
    paths: Sequence[Path], splits: Sequence[int], threads: int | None, progress: Progress
) -> tuple[list[Issue], list[Table], list[str]]:
    """Looks at images: single files, folders or archives; each is a split, or its folders train, test … are.

    Raises:
        MissingExtra: Pillow is not installed.
    """
    try:
        from PIL import Image
    except ImportError as error:
        raise MissingExtra(
            "images are opened by Pillow, which is not installed: pip install 'kinfold[images]'"
        ) from error
    Image.init()
    found, others = [], 0
    with _archives(paths) as archives:
        for path, split in zip(paths, splits, strict=True):
            for each in _images(path, split, archives):
                if each is None:
                    others += 1
                else:
                    found.append(each)
        names = _splits_of(found, [str(each) for each in paths], splits)
        progress.start("look", len(found), "images")
        images = list(_looked(found, many(threads), progress))
    check = _Check(found, images, names)
    notes = [f"{others:,} files that are no images were passed over."] if others else []
    if len(found) > _COMPARED:
        notes.append("Images that are nearly alike were looked for among those whose hashes agree in 16 of 64 bits.")
    if len(names) > 1 and len(set(splits)) == 1:
        notes.append(f"Folders are splits: {', '.join(names)}; the first is learned from.")
    return check.issues(), check.tables(), notes


@contextlib.contextmanager
def _archives(paths: Sequence[Path]) -> Iterator[dict[Path, zipfile.ZipFile]]:
    """Archives that are open while images are read."""
    with contextlib.ExitStack() as stack:
        packed = [path for path in paths if path.suffix.lower() == ".zip"]
        yield {path: stack.enter_context(zipfile.ZipFile(path)) for path in packed}


def _images(path: Path, split: int, archives: dict[Path, zipfile.ZipFile]) -> Iterator[_Named | None]:
    """The images of a source, None for what is none."""
    archive = archives.get(path)
    if archive is not None:
        inner: list[tuple[str, Callable[[], bytes]]] = [
            (each.filename, functools.partial(_unpacked, archive, each))
            for each in archive.infolist()
            if not each.is_dir()
        ]
    elif path.is_dir():
        files = sorted(each for each in path.rglob("*") if each.is_file())
        inner = [(str(each.relative_to(path)), each.read_bytes) for each in files]
    else:
        inner = [(path.name, path.read_bytes)]
    for name, read in inner:
        parts = Path(name).parts
        if any(part.startswith((".", "__MACOSX")) for part in parts):
            continue
        if Path(name).suffix.lower() not in IMAGES:
            yield None
            continue
        own = next((part.lower() for part in parts[:-1] if part.lower() in _SPLITS), "")
        folders = [part for part in parts[:-1] if part.lower() not in _SPLITS]
        label = folders[-1] if folders else ""
        yield _Named(f"{path}/{name}" if len(inner) > 1 or archive else str(path), f"{split} {own}", label, read)


def _unpacked(archive: zipfile.ZipFile, each: zipfile.ZipInfo) -> bytes:
    """The bytes of a file in an archive.

    Raises:
        ValueError: It says that it unfolds to more than an image has.
    """
    if each.file_size > _LARGEST:
        raise ValueError(f"it unfolds to {each.file_size:,} bytes")
    return archive.read(each)


def _splits_of(found: list[_Named], paths: Sequence[str], splits: Sequence[int]) -> list[str]:
    """Brings the splits of images to numbers, in place, and gives their names; folders count where files are one."""
    one = len(set(splits)) == 1
    keys = [each.split if one else each.split.partition(" ")[0] for each in found]

    def rank(key: str) -> tuple[int, int]:
        file, _, own = key.partition(" ")
        return int(file), _SPLITS.index(own) if own in _SPLITS else -1

    order = sorted(set(keys), key=rank)
    names = [key.partition(" ")[2] or paths[list(splits).index(int(key.partition(" ")[0]))] for key in order]
    found[:] = [each._replace(split=str(order.index(key))) for each, key in zip(found, keys, strict=True)]
    return names


def _looked(found: Sequence[_Named], threads: int, progress: Progress) -> Iterator[_Image]:
    """Images in their order, looked at by several threads, few of them in memory at once."""
    waiting: collections.deque[Future[_Image]] = collections.deque()
    with ThreadPoolExecutor(threads) as pool:
        for each in found:
            try:
                data: bytes | str = each.read()
            except (OSError, zipfile.BadZipFile, RuntimeError, NotImplementedError, ValueError, EOFError) as error:
                data = f"cannot be read ({error})"
            except Exception as error:  # zlib.error and whatever else unpacking raises
                data = f"cannot be unpacked ({error})"
            waiting.append(pool.submit(_look, data))
            if len(waiting) >= _AT_ONCE:
                yield waiting.popleft().result()
                progress.advance(1)
        while waiting:
            yield waiting.popleft().result()
            progress.advance(1)


def _look(data: bytes | str) -> _Image:
    from PIL import Image

    if isinstance(data, str):
        return _Image(wrong=data)
    if not data:
        return _Image(wrong="is empty")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with Image.open(io.BytesIO(data)) as image:
                form, mode, (width, height) = str(image.format), image.mode, image.size
                image.load()
                gray = image.convert("L")
                pixels = hashlib.blake2b(image.tobytes(), digest_size=16)
    except Exception as error:  # what a hostile file makes of a decoder is told, whatever it is
        return _Image(wrong=f"does not open ({type(error).__name__}: {str(error).split(' <')[0]})")
    pixels.update(f"{width} {height} {mode}".encode())
    small = np.asarray(gray.resize((_SIDE, _SIDE), Image.Resampling.BOX), np.uint8)
    spread = float(np.std(np.asarray(gray, np.float32)))
    return _Image("", pixels.digest(), perceptual_hash(small), small, width, height, mode, form, spread)


def perceptual_hash(gray: np.ndarray) -> int:
    """64 bits that nearly the same picture has too: which of its lowest frequencies are above their median.

    Args:
        gray: (32, 32).
    """
    import scipy.fft

    low = scipy.fft.dctn(gray.astype(np.float32), norm="ortho")[: _LOW + 1, : _LOW + 1]
    # The constant part says how light the picture is, and nothing of what is on it.
    values = np.delete(low.ravel(), 0)[: _LOW * _LOW]
    bits = values > np.median(values)
    return int(np.packbits(bits).view(">u8")[0])


def details(gray: np.ndarray) -> np.ndarray:
    """What is on pictures without what is light or dark in the large, as rows of length 1 (n, 1024) float32.

    Args:
        gray: (n, 32, 32) float32.
    """
    import scipy.ndimage

    fine = (gray - scipy.ndimage.gaussian_filter(gray, (0, 2, 2))).reshape(len(gray), -1)
    fine -= fine.mean(axis=1, keepdims=True)
    rows: np.ndarray = fine / np.maximum(np.linalg.norm(fine, axis=1, keepdims=True), 1e-6)
    return rows


class _Check:
    """What is wrong with images that were looked at.

    Args:
        found: Their names, splits and classes.
        images: What was seen of each.
        names: Of the splits.
    """

    def __init__(self, found: Sequence[_Named], images: Sequence[_Image], names: Sequence[str]) -> None:
        self._found, self._images, self._names = found, images, names
        self._split = np.array([int(each.split) for each in found], np.int64)
        self._good = np.array([at for at, each in enumerate(images) if not each.wrong], np.int64)

    def issues(self) -> list[Issue]:
        """All that is wrong."""
        issues = [
            self._where(
                "images that do not open",
                "serious",
                lambda image, _: image.wrong,
                "fetch them again, or leave them out",
            ),
            self._where(
                "images of one color",
                "warning",
                lambda image, _: (
                    f"gray values spread by {image.spread:.1f} of 255"
                    if not image.wrong and image.spread < _BLANK
                    else ""
                ),
                "leave them out: there is nothing to see",
            ),
            self._where(
                f"images with a side below {_TINY} pixels",
                "warning",
                lambda image, _: (
                    f"{image.width} × {image.height}"
                    if not image.wrong and min(image.width, image.height) < _TINY
                    else ""
                ),
                "leave them out, or fetch larger ones",
            ),
            self._where(
                f"images more than {_LONG:g} times as long as wide",
                "note",
                lambda image, _: (
                    f"{image.width} × {image.height}"
                    if not image.wrong and max(image.width, image.height) > _LONG * min(image.width, image.height)
                    else ""
                ),
                "cut them: at a square size nothing of them is left",
            ),
            self._where(
                "images whose ending says another format",
                "note",
                lambda image, name: f"is {image.form}" if not image.wrong and _other(name, image.form) else "",
                "rename them: some readers go by the ending",
            ),
            *self._modes(),
            *self._copies(),
        ]
        counts: dict[str, collections.Counter[str]] = {name: collections.Counter() for name in self._names}
        for each in self._found:
            if each.label:
                counts[self._names[int(each.split)]][each.label] += 1
        counts = {name: each for name, each in counts.items() if each}
        self._classes: list[Table] = []
        if counts and len({name for each in counts.values() for name in each}) > 1:
            more, self._classes = balance(counts, "images")
            issues += more
        return issues

    def _where(self, name: str, severity: Any, told: Callable[[_Image, str], str], fix: str) -> Issue:
        pairs = ((each.name, told(image, each.name)) for each, image in zip(self._found, self._images, strict=True))
        shown = [Example(name, what) for name, what in pairs if what]
        return Issue(name, severity, len(shown), len(self._found), shown, fix)

    def _modes(self) -> list[Issue]:
        """Images of another kind of color than most."""
        modes = collections.Counter(each.mode for each in self._images if not each.wrong)
        if len(modes) < 2:
            return []
        main = modes.most_common(1)[0][0]
        shown = [
            Example(each.name, f"is {image.mode}, where most are {main}")
            for each, image in zip(self._found, self._images, strict=True)
            if not image.wrong and image.mode != main
        ]
        fix = "bring all to one, such as RGB; else some are of another shape"
        return [Issue("images of another kind of color than most", "note", len(shown), len(self._found), shown, fix)]

    def _copies(self) -> list[Issue]:
        """Images that stand twice, or nearly so."""
        good = self._good
        total = len(self._found)
        if len(good) < 2:
            return []
        digests = np.array([int.from_bytes(self._images[at].digest[:8], "big") for at in good.tolist()], np.uint64)
        _, first, which = np.unique(digests, return_index=True, return_inverse=True)
        same = good[first[which]]
        issues = self._pairs(np.stack([same, good], axis=1)[same != good], "", total)
        alone = good[same == good]
        alone = alone[[self._images[at].spread >= _BLANK for at in alone.tolist()]]
        near = alone[self._near(alone)] if len(alone) > 1 else np.zeros((0, 2), np.int64)
        return [*issues, *self._pairs(near, "nearly ", total)]

    def _near(self, some: np.ndarray) -> np.ndarray:
        """Pairs of places of images (m, 2) that look the same."""
        gray = np.stack([self._images[at].small for at in some.tolist()]).astype(np.float32)
        units = details(gray)
        if len(some) <= _COMPARED:
            found = [np.stack([first, second], axis=1) for first, second, _ in near_pairs(units, _ALIKE)]
        else:
            hashes = np.array([self._images[at].hash_ for at in some.tolist()], np.uint64)
            width = 64 // _BANDS
            bands = [(hashes >> np.uint64(width * at)) & np.uint64((1 << width) - 1) for at in range(_BANDS)]
            keys = [bands[at] << np.uint64(width) | bands[(at + 1) % _BANDS] for at in range(_BANDS)]
            found = [minhash.agreeing(np.stack(keys, axis=1))]
        pairs = np.concatenate([np.zeros((0, 2), np.int64), *found])
        kept = []
        for begin in range(0, len(pairs), 1 << 14):
            part = pairs[begin : begin + (1 << 14)]
            kept.append(part[np.einsum("ij,ij->i", units[part[:, 0]], units[part[:, 1]]) >= _ALIKE])
        return np.concatenate([np.zeros((0, 2), np.int64), *kept])

    def _pairs(self, pairs: np.ndarray, how: str, total: int) -> list[Issue]:
        """Issues of pairs of images (m, 2) that are the same, or nearly so."""
        if not len(pairs):
            return []
        owner = joined(np.arange(total), pairs[:, 0], pairs[:, 1])
        sign = "≈" if how else "="
        again = np.flatnonzero(owner != np.arange(total))
        # What stands in an earlier split is leakage; of the others, the first of each split stays.
        key = owner * (1 + int(self._split.max())) + self._split
        _, places, which = np.unique(key, return_index=True, return_inverse=True)
        members = np.flatnonzero(np.bincount(owner, minlength=total)[owner] > 1)
        least = np.full(total, self._split.max() + 1)
        np.minimum.at(least, owner, self._split)
        leaked = members[self._split[members] > least[owner[members]]]
        twice = members[places[which][members] != members]

        order = np.lexsort((np.arange(total), self._split, owner))
        begins = np.flatnonzero(np.diff(owner[order], prepend=-1))
        earliest = np.zeros(total, np.int64)
        earliest[owner[order[begins]]] = order[begins]

        def shown(some: np.ndarray, beside: np.ndarray) -> list[Example]:
            pairs = zip(some[:10].tolist(), beside[some[:10]].tolist(), strict=True)
            return [
                Example(f"{self._found[at].name} {sign} {self._found[other].name}", self._labels(at, other))
                for at, other in pairs
            ]

        issues = []
        if len(twice):
            severity: Severity = "warning" if len(twice) >= 0.005 * total else "note"
            fix = "leave all but one of each out"
            verb = "stand twice" if not how else "nearly repeat another"
            issues.append(Issue(f"images that {verb}", severity, len(twice), total, shown(twice, places[which]), fix))
        if len(leaked):
            later = int(np.count_nonzero(self._split > 0))
            worst: Severity = "warning" if how else of_leakage(len(leaked), later)
            fix = "take them out of one of the splits: what was learned from cannot judge"
            name = f"images of a later split that an earlier one {how}has"
            issues.append(Issue(name, worst, len(leaked), later, shown(leaked, earliest[owner]), fix))
        torn = again[[self._found[at].label != self._found[int(owner[at])].label for at in again.tolist()]]
        if len(torn):
            fix = "look at them: one of the labels is wrong"
            issues.append(
                Issue(f"{how}equal images of two classes", "warning", len(torn), total, shown(torn, owner), fix)
            )
        return issues

    def _labels(self, at: int, other: int) -> str:
        labels = [self._found[each].label for each in (at, other)]
        return labels[0] if labels[0] == labels[1] else " and ".join(labels)

    def tables(self) -> list[Table]:
        """Sizes and formats of all that opens."""
        good = [self._images[at] for at in self._good.tolist()]
        lines = []
        for number, name in enumerate(self._names):
            some = [self._images[at] for at in self._good.tolist() if self._split[at] == number]
            sides = sorted((image.width * image.height, f"{image.width} × {image.height}") for image in some)
            many_ = int(np.count_nonzero(self._split == number))
            low, middle, high = (sides[at][1] if sides else "–" for at in (0, len(sides) // 2, -1))
            lines.append([name, many_, low, middle, high])
        forms = collections.Counter((image.form, image.mode) for image in good)
        rows = [[form, mode, count] for (form, mode), count in forms.most_common(20)]
        header = ("split", "images", "smallest", "median", "largest")
        return [*self._classes, Table("Splits", header, lines), Table("Formats", ("format", "color", "images"), rows)]


def _other(name: str, form: str) -> bool:
    """Whether a file's ending says another format than the one that it has."""
    said = _ENDINGS.get(Path(name).suffix.lower(), form)
    return said != form and not (said == "JPEG" and form == "MPO")
