"""Whatever the bytes are, the outcome is a Space of finite rows and unique keys, or an error of Kinfold's own."""

from __future__ import annotations

import inspect
import json
import resource
import struct
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pickled import Object, pickled

from kinfold import io
from kinfold.core.errors import KinfoldError
from kinfold.core.space import Space
from kinfold.io.tensors import write_tensors

FORMATS = {
    "arrow": ".arrow",
    "npy": ".npy",
    "safetensors": ".safetensors",
    "parquet": ".parquet",
    "word2vec-binary": ".bin",
    "word2vec-text": ".vec",
    "projector": "tensor.tsv",
    "tsv": ".tsv",
    "glove": ".glove",
}
# Files that Kinfold does not write, as others do.
READ = {
    "gensim": ".kv",
    "floret": ".floret",
    "glove-binary": ".double.bin",
}
KEYS = ["the", "of", "naïve", "\u3000", "2000", "-1.5", "</s>"]
LIES = [b"0", b"1", b"-1", b"7", b"300", b"1000000000000", b"18446744073709551616", b"nan", b"\x00", b" ", b"\n", b"\t"]


@pytest.fixture(scope="module")
def valid(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    folder = tmp_path_factory.mktemp("valid")
    rows = np.random.default_rng(0).normal(size=(len(KEYS), 3)).astype(np.float32)
    for ending in FORMATS.values():
        io.save(Space.of(KEYS, rows), folder / f"a{ending}")
    vectors = Object("gensim.models.keyedvectors KeyedVectors", vectors=rows, index_to_key=KEYS, vector_size=3)
    lines = "".join(f"{place} {' '.join(map(str, row))}\n" for place, row in enumerate(rows.tolist()))
    return {format: (folder / f"a{ending}").read_bytes() for format, ending in FORMATS.items()} | {
        "gensim": pickled(vectors),
        "floret": f"7 3 2 3 2 2166136261 < >\n{lines}".encode(),
        "glove-binary": np.random.default_rng(0).normal(size=(2, 7, 4)).tobytes(),
    }


def check(path: Path, format: str | None) -> None:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for options in ({}, {"on_bad": "skip"}):
        if options and (format is None or "on_bad" not in inspect.signature(io.FORMATS[format].read).parameters):
            continue
        try:
            space = io.open(path, format, **options)
        except KinfoldError:
            continue
        assert space.rows.dense().shape == (len(space), space.dim)
        # A Space's own file is opened without being read: a flipped bit in a number is still a number.
        if space.card.method in ("file", "floret", "static"):
            assert len(space) == len(set(space.keys))
            assert np.isfinite(space.rows.dense()).all()
    # ru_maxrss is in KiB on Linux: files of some hundred bytes take no hundreds of megabytes.
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 300_000


def damaged(draw: st.DrawFn, data: bytes) -> bytes:
    kind = draw(st.sampled_from(["cut", "flip", "lie", "insert", "swap"]))
    at = draw(st.integers(0, max(0, len(data) - 1)))
    if kind == "cut":
        return data[:at]
    if kind == "flip":
        return data[:at] + bytes([data[at] ^ draw(st.integers(1, 255))]) + data[at + 1 :] if data else data
    if kind == "insert":
        return data[:at] + draw(st.one_of(st.binary(max_size=30), st.sampled_from(LIES))) + data[at:]
    if kind == "swap":
        other = draw(st.integers(0, max(0, len(data) - 1)))
        return data[at:] + data[: min(at, other)]
    line, feed, rest = data.partition(b"\n")
    fields = line.split(b" ")
    fields[draw(st.integers(0, len(fields) - 1))] = draw(st.sampled_from(LIES))
    return b" ".join(fields) + feed + rest


@st.composite
def mutations(draw: st.DrawFn) -> tuple[str, int]:
    return draw(st.sampled_from([*FORMATS, *READ])), draw(st.integers(1, 3))


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(chosen=mutations(), draw=st.data(), named=st.booleans())
def test_mutations_of_valid_files(
    tmp_path_factory: pytest.TempPathFactory,
    valid: dict[str, bytes],
    chosen: tuple[str, int],
    draw: st.DataObject,
    named: bool,
) -> None:
    format, times = chosen
    data = valid[format]
    for _ in range(times):
        data = draw.draw(st.composite(damaged)(data))
    folder = tmp_path_factory.getbasetemp() / "fuzz"
    folder.mkdir(exist_ok=True)
    path = folder / f"a{(FORMATS | READ)[format]}"
    path.write_bytes(data)
    (folder / "vocab.txt").write_text("".join(f"{key} 9\n" for key in KEYS))
    (folder / "a.keys.txt").write_text("\n".join(KEYS))
    (folder / "ametadata.tsv").write_text("\n".join(KEYS))
    check(path, format if named else None)


@settings(max_examples=200, deadline=None)
@given(
    format=st.sampled_from([*FORMATS, *READ, None]),
    data=st.one_of(
        st.binary(max_size=200),
        st.builds(lambda header, rest: header + rest, st.from_regex(rb"[0-9]{1,2} [0-9]\n"), st.binary(max_size=99)),
        st.text("01.5e- \n\tab", max_size=80).map(str.encode),
        st.builds(lambda shape, rest: b"\x93NUMPY\x01\x00" + struct.pack("<H", len(shape)) + shape + rest,
                  st.binary(max_size=60), st.binary(max_size=40)),
    ),
    beside=st.binary(max_size=30),
)  # fmt: skip
def test_random_bytes(tmp_path_factory: pytest.TempPathFactory, format: str | None, data: bytes, beside: bytes) -> None:
    folder = tmp_path_factory.getbasetemp() / "random"
    folder.mkdir(exist_ok=True)
    path = folder / "a.tsv"
    for name, content in (("a.tsv", data), ("a.tsv.keys.txt", beside), ("a.metadata.tsv", beside)):
        (folder / name).write_bytes(content)
    check(path, format)


@settings(max_examples=60, deadline=None)
@given(data=st.binary(max_size=120), keys=st.binary(max_size=30), metadata=st.binary(max_size=40))
def test_random_files_beside_good_ones(
    tmp_path_factory: pytest.TempPathFactory, data: bytes, keys: bytes, metadata: bytes
) -> None:
    folder = tmp_path_factory.getbasetemp() / "beside"
    folder.mkdir(exist_ok=True)
    np.save(folder / "a.npy", np.ones((2, 2), np.float32))
    (folder / "a.keys.txt").write_bytes(keys)
    (folder / "a.tsv").write_bytes(b"1\t2\n3\t4\n")
    (folder / "a.metadata.tsv").write_bytes(metadata)
    check(folder / "a.npy", None)
    check(folder / "a.tsv", None)
    for ending in (".gz", ".bz2", ".xz", ".zst"):
        (folder / f"b.vec{ending}").write_bytes(data)
        check(folder / f"b.vec{ending}", "word2vec-text")


@settings(max_examples=200, deadline=None)
@given(name=st.sampled_from(["tokenizer.json", "model.safetensors", "config.json", "modules.json"]), draw=st.data())
def test_mutations_of_folders(tmp_path_factory: pytest.TempPathFactory, name: str, draw: st.DataObject) -> None:
    folder = tmp_path_factory.getbasetemp() / "folder"
    folder.mkdir(exist_ok=True)
    vocabulary = {key: place for place, key in enumerate(KEYS)}
    modules = [{"idx": 0, "path": ".", "type": "sentence_transformers.models.StaticEmbedding"}]
    rows, mapping = np.ones((4, 2), np.float32), np.zeros(len(KEYS), np.int32)
    files = {
        "tokenizer.json": json.dumps(
            {"model": {"type": "WordLevel", "vocab": vocabulary}, "added_tokens": []}
        ).encode(),
        "config.json": json.dumps({"normalize": True, "max_length": 512}).encode(),
        "modules.json": json.dumps(modules).encode(),
    }
    with open(folder / "model.safetensors", "wb") as stream:
        held = {"embeddings": rows, "mapping": mapping, "weights": np.ones(len(KEYS))}
        write_tensors(stream, {key: (each.dtype, each.shape, [each]) for key, each in held.items()})
    files["model.safetensors"] = (folder / "model.safetensors").read_bytes()
    for other, data in files.items():
        changed = draw.draw(st.composite(damaged)(data)) if other == name else data
        (folder / other).write_bytes(changed)
    check(folder, draw.draw(st.sampled_from([None, "model2vec", "sentence-transformers"])))
