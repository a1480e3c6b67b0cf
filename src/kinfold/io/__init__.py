"""Other people's files ↔ Space: word2vec, GloVe, fastText, gensim, model2vec, Parquet and more, and Kinfold's own.

Example:
    >>> import tempfile, os
    >>> from kinfold.core.space import Space
    >>> folder = tempfile.mkdtemp()
    >>> space = Space.of(["one", "two"], [[1, 0.5], [-0.25, 2]], group="word")
    >>> _ = save(space, os.path.join(folder, "numbers.vec"))
    >>> open(os.path.join(folder, "numbers.vec"))["two"].tolist()
    [-0.25, 2.0]
    >>> report = convert(os.path.join(folder, "numbers.vec"), os.path.join(folder, "numbers.bin"))
    >>> report["rows written"].value
    2
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from kinfold.core.catalogue import Catalogue, Entry

if TYPE_CHECKING:
    from kinfold.core.report import Report
    from kinfold.core.space import Space

__all__ = ["FORMATS", "convert", "open", "save"]

# In the order in which they are asked whether a file is theirs.
FORMATS = Catalogue(
    "io",
    Entry("arrow", "kinfold.io.arrow:FORMAT", "Kinfold's own file: groups, attributes and the card (.arrow)"),
    Entry("npy", "kinfold.io.npy:FORMAT", "a NumPy matrix and a file of keys beside it (.npy, .keys.txt)"),
    Entry("parquet", "kinfold.io.parquet:FORMAT", "Parquet: keys, vectors, groups, attributes and the card (.parquet)"),
    Entry("safetensors", "kinfold.io.safetensors:FORMAT", "a tensor and a file of keys beside it (.safetensors)"),
    Entry("model2vec", "kinfold.io.static:MODEL2VEC", "a folder of model2vec: a row a token, and a tokenizer"),
    Entry(
        "sentence-transformers",
        "kinfold.io.static:SENTENCE_TRANSFORMERS",
        "a folder of sentence-transformers with a StaticEmbedding: a row a token, and a tokenizer",
    ),
    Entry("gensim", "kinfold.io.gensim:FORMAT", "gensim's own files, without running the pickle that they are; read"),
    Entry("floret", "kinfold.io.floret:FORMAT", "floret's hash tables (.floret), and its models; read"),
    Entry("fasttext", "kinfold.io.fasttext:FORMAT", "fastText's models: words, n-grams, labels (.bin, .ftz)"),
    Entry("word2vec-binary", "kinfold.io.word2vec_binary:FORMAT", "word2vec's binary file (.bin)"),
    Entry("glove-binary", "kinfold.io.glove_parameters:FORMAT", "GloVe's binary file, with vocab.txt beside it; read"),
    Entry("word2vec-text", "kinfold.io.word2vec_text:FORMAT", "word2vec's and fastText's text file (.vec, .txt)"),
    Entry("projector", "kinfold.io.projector:FORMAT", "TensorBoard's projector: tensor.tsv and metadata.tsv"),
    Entry("tsv", "kinfold.io.tsv:FORMAT", "a table of text: a key and numbers a line, between tabs (.tsv)"),
    Entry("glove", "kinfold.io.glove:FORMAT", "GloVe's text file, without a header (.glove)"),
)


def open(path: str | os.PathLike[str], format: str | None = None, **options: Any) -> Space:
    """A Space from a file of any format.

    Args:
        path: The file, or a projector's folder; text may be packed (.gz .bz2 .xz .zst).
        format: A name of `FORMATS`; by default seen from the content.
        options: Those of the format's reader, as `bad_bytes` or `on_bad`.

    Raises:
        BadFile: Nothing is there, or it cannot be read.
        BadData: It is of no known format, or damaged; names the place.
        BadOption: The reader has no such option.
        UnknownName: There is no such format.
    """
    from kinfold.io.detect import format_of
    from kinfold.io.format import options_of

    name = format or format_of(path, FORMATS)
    reader = FORMATS[name].read
    space: Space = reader(path, **options_of(reader, options, f"the reader of {name}"))
    return space


def save(
    space: Space, path: str | os.PathLike[str], format: str | None = None, *, group: str | None = None, **options: Any
) -> tuple[str, ...]:
    """Writes a Space, whole or not at all.

    Args:
        space: What to write.
        path: Where to.
        format: A name of `FORMATS`; by default the one that the path's ending stands for.
        group: The group to write; by default all where the format keeps all, else the first.
        options: Those of the format's writer, as `replace`.

    Returns:
        What there is to note of the file: what its format has no place for.

    Raises:
        BadFile: It cannot be written.
        BadData: The format cannot hold one of the keys.
        BadOption: The ending stands for no format, or the writer has no such option.
        UnknownName: There is no such format or group.
    """
    from kinfold.io.detect import format_for

    return _write(space, path, format or format_for(path, FORMATS), group, options)


def _write(
    space: Space, path: str | os.PathLike[str], format: str, group: str | None, options: dict[str, Any]
) -> tuple[str, ...]:
    """What there is to note of the file."""
    from kinfold.io.detect import writer_of
    from kinfold.io.format import options_of

    writer = writer_of(format, FORMATS)
    return writer(space, path, group=group, **options_of(writer, options, f"the writer of {format}")) or ()


def convert(
    source: str | os.PathLike[str],
    target: str | os.PathLike[str],
    *,
    from_format: str | None = None,
    format: str | None = None,
    group: str | None = None,
    bad_bytes: str | None = None,
    on_bad: str | None = None,
    replace: str | None = None,
    reading: Mapping[str, Any] | None = None,
    writing: Mapping[str, Any] | None = None,
) -> Report:
    """Brings vectors from one file to another and tells what was read, left out and written.

    Args:
        source: What to read.
        target: Where to write.
        from_format: Of the source; by default seen from its content.
        format: Of the target; by default by its ending.
        group: The group to write; by default all where the format keeps all, else the first.
        bad_bytes: For the reader, where it has this option: keys that are not UTF-8.
        on_bad: For the reader: what cannot be read, "raise" or "skip".
        replace: For the writer: what stands in place of characters that it cannot hold.
        reading: Further options of the reader, as `{"tensor": "embeddings"}`.
        writing: Further options of the writer, as `{"header": True}`.

    Raises:
        BadFile: The source cannot be read or the target not written.
        BadData: The source is damaged, or the target's format cannot hold one of the keys.
        BadOption: An option that the reader or the writer does not have.
        UnknownName: There is no such format or group.
    """
    from kinfold.io.detect import format_for, format_of, writer_of
    from kinfold.io.format import options_of
    from kinfold.io.summary import summary

    from_format = from_format or format_of(source, FORMATS)
    format = format or format_for(target, FORMATS)
    asked = {"bad_bytes": bad_bytes, "on_bad": on_bad}
    reading = {name: value for name, value in asked.items() if value is not None} | dict(reading or {})
    writing = ({} if replace is None else {"replace": replace}) | dict(writing or {})
    group = writing.pop("group", group)
    # What the writer would refuse is said before an hour of reading.
    options_of(writer_of(format, FORMATS), writing, f"the writer of {format}")
    space = open(source, from_format, **reading)
    noted = _write(space, target, format, group, writing)
    return summary(space, source, target, (from_format, format), FORMATS[format].keeps, group, noted)
