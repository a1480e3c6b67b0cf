"""Rows that are product codes answer every question that float rows do."""

import json
import subprocess
import sys

import numpy as np
import pyarrow as pa
import pytest
from oracles.codes import decoded

import kinfold as kf
from kinfold import Space, io
from kinfold.core.codes import Codes
from kinfold.core.errors import BadData
from kinfold.core.keys import Keys
from kinfold.core.rows import Rows

METRICS = ["cosine", "dot", "l2"]


def coded(size=300, dim=7, width=2, seed=0, norms=True, exact=(3, 4, 250)) -> Codes:
    rng = np.random.default_rng(seed)
    books = -(-dim // width)
    places = np.array([place for place in exact if place < size], np.int64)
    return Codes(
        rng.integers(0, 256, (size, books), dtype=np.uint8),
        rng.normal(size=(books, 256, width)).astype(np.float32),
        dim,
        rng.integers(0, 256, size, dtype=np.uint8) if norms else None,
        rng.random(256, dtype=np.float32) + 0.5 if norms else None,
        places,
        rng.normal(size=(len(places), dim)).astype(np.float32),
    )


def both(metric="cosine", **options) -> tuple[Space, Space]:
    """A Space of codes and the same of float rows."""
    codes = coded(**options)
    names = [f"k{i}" for i in range(len(codes))]
    keys = Keys(names, {"first": len(names) // 3, "second": len(names) - len(names) // 3})
    table = pa.table({"count": np.arange(len(names))})
    return tuple(Space.of(keys, rows, metric=metric, table=table) for rows in (codes, codes[:]))


@pytest.mark.parametrize("width", [1, 2, 3, 7, 9])
@pytest.mark.parametrize("norms", [True, False])
@pytest.mark.parametrize("exact", [(), (0,), (3, 4, 250), range(300)])
def test_a_row_is_what_its_codes_say(width, norms, exact):
    codes = coded(width=width, norms=norms, exact=exact)
    expected = decoded(codes)
    assert codes.shape == expected.shape
    assert codes[:].dtype == np.float32
    picks = [
        slice(None),
        slice(2, 7),
        slice(None, None, 3),
        slice(5, 2),
        4,
        -1,
        [4, 3, 3, -2],
        [],
        np.arange(300) % 7 == 3,
    ]
    for rows in picks:
        np.testing.assert_array_equal(codes[rows], expected[rows])
        if not isinstance(rows, int):
            np.testing.assert_array_equal(codes.take(rows)[:], expected[rows])
    np.testing.assert_array_equal(codes.slice(4, 251)[:], expected[4:251])
    np.testing.assert_array_equal(np.asarray(codes), expected)
    beneath = decoded(codes.beneath())
    np.testing.assert_array_equal(codes.beneath()[:], beneath)
    assert (beneath == expected).all(axis=1).sum() == 300 - len(exact)
    for row in (300, -301, [0, 300]):
        with pytest.raises(IndexError):
            codes[row]


def test_many_rows_are_decoded_in_pieces():
    codes = coded(size=70_000, dim=8, width=1, exact=(0, 40_000))
    np.testing.assert_array_equal(codes[::7], decoded(codes.take(slice(None, None, 7))))


def test_a_slice_shares_memory_and_codes_are_small():
    codes = coded(size=10_000, dim=100)
    assert np.shares_memory(codes.slice(10, 9000).codes, codes.codes)
    rows = Rows(codes)
    assert rows.slice(10, 9000).values.codes.base is not None
    assert rows.nbytes < 10_000 * 51 + 50 * 256 * 8 + 5000
    assert rows.dtype == np.uint8
    assert (len(rows), rows.dim) == (10_000, 100)


@pytest.mark.parametrize("metric", METRICS)
def test_every_question_is_answered_as_for_float_rows(metric, tmp_path):
    codes, floats = both(metric)
    assert codes.frame == floats.frame
    np.testing.assert_array_equal(codes.rows.norms, floats.rows.norms)
    np.testing.assert_array_equal(codes["k3"], floats["k3"])
    np.testing.assert_array_equal(codes.vectors(["k9", "k250"]), floats.vectors(["k9", "k250"]))
    queries = ["k3", "k250", "k299"]
    for options in (
        {},
        {"group": "second"},
        {"where": "count % 2 = 0"},
        {"where": "count in (5, 290)"},
        {"where": "false"},
    ):
        for mine, true in zip(
            codes.nearest_many(queries, 6, **options), floats.nearest_many(queries, 6, **options), strict=True
        ):
            assert mine.keys == true.keys
            np.testing.assert_allclose(mine.scores, true.scores, rtol=1e-5, atol=1e-5)
    for name in (entry.name for entry in kf.search.INDEXES):
        index = kf.search.build(codes, name)
        assert index.nearest("k3", 5).keys == kf.search.build(floats, name).nearest("k3", 5).keys
        index.save(tmp_path / name)
        assert kf.search.open(tmp_path / name, codes).nearest("k3", 5).keys == index.nearest("k3", 5).keys


def test_parts_of_it_stay_coded():
    codes, floats = both()
    for some, true in [
        (codes.group("second"), floats.group("second")),
        (codes.take(np.array([3, 9, 250])), floats.take(np.array([3, 9, 250]))),
    ]:
        assert isinstance(some.rows.values, Codes)
        np.testing.assert_array_equal(some.rows.dense(), true.rows.dense())
        np.testing.assert_array_equal(some.rows.norms, true.rows.norms)
        assert list(some.keys) == list(true.keys)


@pytest.mark.parametrize("options", [{}, {"norms": False}, {"exact": ()}, {"width": 3, "norms": False, "exact": ()}])
def test_opened_is_what_was_saved(options, tmp_path):
    codes, floats = both(**options)
    codes.save(tmp_path / "codes.arrow")
    floats.save(tmp_path / "floats.arrow")
    before = pa.total_allocated_bytes()
    again = kf.open(tmp_path / "codes.arrow")
    assert pa.total_allocated_bytes() - before < 4096
    assert not again.rows.values.codes.flags.writeable
    np.testing.assert_array_equal(again.rows.dense(), floats.rows.dense())
    assert again.table.equals(floats.table)
    assert again.nearest("k9", 4).keys == floats.nearest("k9", 4).keys
    again.group("second").save(tmp_path / "part.arrow")
    np.testing.assert_array_equal(kf.open(tmp_path / "part.arrow").rows.dense(), floats.group("second").rows.dense())


def test_a_coded_file_is_small(tmp_path):
    codes, _ = both(size=20_000, dim=100)
    codes.save(tmp_path / "codes.arrow")
    assert (tmp_path / "codes.arrow").stat().st_size < 20_000 * (51 + 40) + 200_000


@pytest.mark.parametrize("ending", [".vec", ".bin", ".tsv", ".glove", ".npy"])
def test_every_format_is_written_as_from_float_rows(ending, tmp_path):
    codes, floats = both()
    io.save(codes, tmp_path / f"codes{ending}")
    io.save(floats, tmp_path / f"floats{ending}")
    assert (tmp_path / f"codes{ending}").read_bytes() == (tmp_path / f"floats{ending}").read_bytes()


def test_maps_take_it(tmp_path):
    for name, space in zip(("codes", "floats"), both(size=60), strict=True):
        kf.show.map.write(space, tmp_path / f"{name}.html", method="pca", title="a")
    assert (tmp_path / "codes.html").read_text() == (tmp_path / "floats.html").read_text()


def test_reports_and_measures_take_it(tmp_path):
    codes, floats = both(size=60)
    kf.show.report.write(codes, tmp_path / "report.html", method="pca")
    assert "of uint8" in kf.show.text.render(codes)
    assert kf.search.analogy(codes, "k0", "k1", "k2", 3).keys == kf.search.analogy(floats, "k0", "k1", "k2", 3).keys
    report = kf.measure.recall(codes, kf.search.build(codes, "exact"), queries=20)
    assert report["recall@10"].value == 1


def test_rows_that_are_not_finite_are_refused():
    codes = coded(exact=())
    codes.codebooks[1, codes.codes[7, 1]] = np.nan
    with pytest.raises(BadData, match="NaN"):
        Space.of([f"k{i}" for i in range(len(codes))], codes)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"codes": np.zeros((300, 4), np.int8)}, "codes are bytes"),
        ({"codebooks": np.zeros((3, 256, 2), np.float32)}, "codebooks"),
        ({"codebooks": np.zeros((4, 255, 2), np.float32)}, "codebooks"),
        ({"codebooks": np.zeros((4, 256, 2))}, "codebooks"),
        ({"dim": 9}, "do not make up 9"),
        ({"dim": 6}, "do not make up 6"),
        ({"norm_codes": np.zeros(299, np.uint8)}, "norms are a byte"),
        ({"norm_book": None}, "norms are a byte"),
        ({"norm_book": np.zeros(255, np.float32)}, "norms are a byte"),
        ({"exact": np.zeros((2, 7), np.float32)}, "3 rows that are kept exactly"),
        ({"exact": np.zeros((3, 6), np.float32)}, "3 rows that are kept exactly"),
        ({"places": np.array([4, 3, 250])}, "ascending"),
        ({"places": np.array([3, 4, 300])}, "ascending"),
        ({"places": np.array([-1, 4, 30])}, "ascending"),
    ],
)
def test_parts_that_do_not_fit_are_refused(change, message):
    whole = coded()
    parts = {name: getattr(whole, name) for name in Codes.__slots__}
    with pytest.raises(BadData, match=message):
        Codes(**{**parts, **change})


def lists(kind):
    return pa.array([[1.0]] * 300, kind)


def rewritten(path, change, **told):
    with pa.memory_map(str(path)) as source:
        table = pa.ipc.open_file(source).read_all()
    metadata = {key.decode(): value for key, value in table.schema.metadata.items()}
    books = json.loads(metadata["kinfold.codes"])
    books.update(told)
    metadata["kinfold.codes"] = json.dumps({name: value for name, value in books.items() if value is not None})
    table = change(table).replace_schema_metadata(metadata)
    changed = path.with_suffix(".changed")
    with pa.OSFile(str(changed), "wb") as sink, pa.ipc.new_file(sink, table.schema) as writer:
        writer.write_table(table)
    return changed


@pytest.mark.parametrize(
    ("change", "told", "message"),
    [
        (lambda t: t, {"dim": 8}, "exactly|float32 numbers|do not make up"),
        (lambda t: t, {"dim": 1e400}, "damaged"),
        (lambda t: t, {"dim": "x"}, "damaged"),
        (lambda t: t, {"codebooks": "AAAA"}, "damaged"),
        (lambda t: t, {"codebooks": "!"}, "damaged"),
        (lambda t: t, {"codebooks": ""}, "codebooks|do not make up|damaged"),
        (lambda t: t, {"codebooks": None}, "damaged"),
        (lambda t: t, {"norms": "AAAAAA=="}, "norms are a byte"),
        (lambda t: t, {"norms": None}, "norms are a byte"),
        (lambda t: t.drop_columns("vector_norm"), {}, "norms are a byte"),
        (lambda t: t.set_column(4, "vector_norm", pa.array([1] * 300)), {}, "vector_norm"),
        (lambda t: t.set_column(4, "vector_norm", pa.array([None] * 300, pa.uint8())), {}, "vector_norm"),
        (lambda t: t.set_column(5, "vector_exact", lists(pa.large_list(pa.float32()))), {}, "7 float32"),
        (lambda t: t.set_column(2, "vector", lists(pa.list_(pa.float32(), 1))), {}, "fixed-size list"),
    ],
)  # fmt: skip
def test_a_damaged_file_is_refused(change, told, message, tmp_path):
    both()[0].save(tmp_path / "codes.arrow")
    with pytest.raises(BadData, match=message):
        Space.open(rewritten(tmp_path / "codes.arrow", change, **told))


FUZZ = """
import sys, numpy as np
from kinfold import Space
from kinfold.core.errors import KinfoldError
path, raw = sys.argv[1], open(sys.argv[1], "rb").read()
rng = np.random.default_rng(0)
opened = 0
for _ in range(200):
    data = bytearray(raw)
    if rng.random() < 0.2:
        data = data[: rng.integers(0, len(data))]
    else:
        # Most of the file are codebooks, of which every byte is a number like any other.
        for _ in range(rng.integers(1, 6)):
            at = rng.integers(0, len(data))
            data[-at if rng.random() < 0.5 else min(at, 40_000 + at % 3000)] = rng.choice([0, 127, 128, 255])
    open(path, "wb").write(data)
    try:
        space = Space.open(path)
        with np.errstate(all="ignore"):
            space.nearest(np.ones(7), 3), space.rows.dense()
        list(space.keys), space.table and space.table.to_pylist()
        opened += 1
    except KinfoldError:
        pass
print(opened)
"""


def test_damaged_bytes_raise_and_never_crash(tmp_path):
    both(size=30, exact=(3, 4))[0].save(tmp_path / "codes.arrow")
    command = [sys.executable, "-c", FUZZ, str(tmp_path / "codes.arrow")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    assert 0 < int(done.stdout) < 200
