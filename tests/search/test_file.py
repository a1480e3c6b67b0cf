"""A damaged or lying index file raises, and never reaches FAISS."""

import hashlib
import json

import numpy as np
import pytest

from kinfold import Space, search
from kinfold.core.errors import BadData, BadFile, FrameMismatch, KinfoldError, UnknownName
from kinfold.search.file import MAGIC


@pytest.fixture(scope="module")
def space():
    rows = np.random.default_rng(0).normal(size=(300, 6))
    return Space.of([f"k{i}" for i in range(300)], rows)


def parts(path):
    raw = path.read_bytes()
    start = len(MAGIC) + 16
    length = int.from_bytes(raw[len(MAGIC) : len(MAGIC) + 8], "little")
    return json.loads(raw[start : start + length]), raw[start + length :]


def written(path, header, data):
    """A file whose checksums are right, whatever it says."""
    digest = hashlib.blake2b(data, digest_size=16).hexdigest()
    text = json.dumps({**header, "checksum": digest, "bytes": len(data)}).encode()
    seal = hashlib.blake2b(text, digest_size=8).digest()
    path.write_bytes(MAGIC + len(text).to_bytes(8, "little") + seal + text + data)


def arrays(header, data):
    return {
        name: np.frombuffer(data, each["dtype"], int(np.prod(each["shape"])), each["start"])
        .reshape(each["shape"])
        .copy()
        for name, each in header["arrays"].items()
    }


@pytest.mark.parametrize("name", ["exact", "hnsw", "ivf"])
def test_any_damaged_byte_is_noticed(space, name, tmp_path):
    path = tmp_path / "index"
    search.build(space, name).save(path)
    raw = path.read_bytes()
    rng = np.random.default_rng(0)
    for place in [*range(40), *rng.integers(40, len(raw), 60).tolist()]:
        path.write_bytes(raw[:place] + bytes([raw[place] ^ 0x41]) + raw[place + 1 :])
        with pytest.raises(BadData):
            search.open(path, space)
    for size in [0, 5, len(MAGIC), len(MAGIC) + 9, *rng.integers(20, len(raw), 20).tolist(), len(raw) - 1]:
        path.write_bytes(raw[:size])
        with pytest.raises(BadData):
            search.open(path, space)
    path.write_bytes(raw + b"x")
    with pytest.raises(BadData):
        search.open(path, space)


@pytest.mark.parametrize(
    ("name", "array", "place", "value"),
    [
        ("hnsw", "neighbors", 0, 300),
        ("hnsw", "neighbors", 0, -2),
        ("hnsw", "neighbors", -1, 2**31 - 1),
        ("hnsw", "levels", 0, 0),
        ("hnsw", "levels", 0, 10**6),
        ("hnsw", "levels", 5, 9),
        ("hnsw", "entry", 0, 300),
        ("hnsw", "entry", 0, -1),
        ("ivf", "owners", 3, -1),
        ("ivf", "owners", 3, 10**6),
        ("ivf", "centers", (0, 0), np.nan),
    ],
)
def test_contents_that_lie_are_refused(space, name, array, place, value, tmp_path):
    path = tmp_path / "index"
    search.build(space, name).save(path)
    header, data = parts(path)
    held = arrays(header, data)
    held[array][place] = value
    written(path, header, b"".join(each.tobytes() for each in held.values()))
    with pytest.raises(BadData, match=r"damaged.*Build the index again"):
        search.open(path, space)


def test_a_link_into_a_layer_without_the_row_is_refused(space, tmp_path):
    path = tmp_path / "index"
    search.build(space, "hnsw", links=4).save(path)
    header, data = parts(path)
    held = arrays(header, data)
    high, low = int(np.argmax(held["levels"])), int(np.flatnonzero(held["levels"] == 1)[0])
    sizes = 8 + 4 * (held["levels"].astype(int) - 1)
    held["neighbors"][sizes[:high].sum() + 8] = low
    written(path, header, b"".join(each.tobytes() for each in held.values()))
    with pytest.raises(BadData, match="not in its layer"):
        search.open(path, space)


@pytest.mark.parametrize(
    "lie",
    [
        {"parameters": {"links": 10**9, "build_effort": 1, "effort": 1, "seed": 0}},
        {"parameters": {"links": "many", "build_effort": 1, "effort": 1, "seed": 0}},
        {"parameters": {}},
        {"parameters": []},
        {"arrays": {}},
        {"arrays": {"levels": {"dtype": "int32", "shape": [10**12], "start": 0}}},
        {"arrays": {"levels": {"dtype": "object", "shape": [1], "start": 0}}},
        {"arrays": {"levels": {"dtype": "int32", "shape": [-1], "start": 0}}},
        {"arrays": {"levels": {"dtype": "int32", "shape": [1], "start": -8}}},
        {"arrays": [1, 2]},
        {"rows": 10**12},
        {"dim": 7},
        {"metric": "l2"},
        {"frame": None},
        {"index": "nothing"},
        {"index": "ivf"},
        {"index": None},
    ],
)
def test_headers_that_lie_are_refused(space, lie, tmp_path):
    path = tmp_path / "index"
    search.build(space, "hnsw").save(path)
    header, data = parts(path)
    written(path, {**header, **lie}, data)
    with pytest.raises((BadData, FrameMismatch, UnknownName)):
        search.open(path, space)


def test_other_files_are_refused_by_name(space, tmp_path):
    with pytest.raises(BadFile, match="no such file"):
        search.open(tmp_path / "nothing", space)
    with pytest.raises(BadFile, match="folder"):
        search.open(tmp_path, space)
    (tmp_path / "text").write_text("hello")
    with pytest.raises(BadData, match="not the file of an index"):
        search.open(tmp_path / "text", space)


def test_a_failed_save_leaves_the_old_file(space, tmp_path):
    index = search.build(space, "ivf")
    with pytest.raises(BadFile):
        index.save(tmp_path / "no folder" / "index")
    index.save(tmp_path / "index")
    assert [each.name for each in tmp_path.iterdir()] == ["index"]


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("hnsw", {"links": 1}),
        ("hnsw", {"links": 1.5}),
        ("hnsw", {"effort": 0}),
        ("hnsw", {"seed": -1}),
        ("hnsw", {"threads": 0}),
        ("ivf", {"lists": 0}),
        ("ivf", {"probes": 0}),
        ("ivf", {"iterations": 0}),
        ("ivf", {"threads": "two"}),
    ],
)
def test_options_out_of_range_are_refused(space, name, options):
    with pytest.raises(KinfoldError, match="whole number"):
        search.build(space, name, **options)


def test_more_effort_finds_more():
    rng = np.random.default_rng(0)
    hard = Space.of([f"k{i}" for i in range(6000)], rng.normal(size=(6000, 48)))
    queries = rng.normal(size=(200, 48)).astype("f4")
    _, true = hard.topk(queries, 10)
    for name, weak, strong in (
        ("hnsw", {"effort": 10, "links": 8}, {"effort": 400, "links": 8}),
        ("ivf", {"probes": 1}, {"probes": 10**6}),
    ):
        shares = []
        for options in (weak, strong):
            _, found = search.build(hard, name, **options).search(queries, 10)
            shares.append(np.mean([len(set(a) & set(b)) / 10 for a, b in zip(found, true, strict=True)]))
        assert shares[0] < 0.9
        assert shares[1] > 0.95
