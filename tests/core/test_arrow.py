"""A Space on disk."""

import subprocess
import sys

import numpy as np
import polars
import pyarrow as pa
import pytest

from kinfold import Space
from kinfold.core.errors import BadData, BadFile, KinfoldError
from kinfold.core.keys import Keys
from kinfold.core.report import Finding, Report


def example(dtype=np.float32):
    rows = np.random.default_rng(0).normal(size=(30, 5)).astype(dtype)
    keys = Keys([f"u{i}" for i in range(10)] + [f"ü {i}\n" for i in range(20)], {"user": 10, "item": 20})
    table = pa.table({"count": np.arange(30), "title": ["a", None, "c"] * 10})
    return Space.of(keys, rows, metric="l2", table=table).with_report(Report("r", [Finding("x", float("nan"))]))


@pytest.mark.parametrize("dtype", [np.float32, np.float16])
def test_opened_is_what_was_saved(dtype, tmp_path):
    space = example(dtype)
    space.save(tmp_path / "space.arrow")
    again = Space.open(str(tmp_path / "space.arrow"))
    assert again.keys == space.keys
    assert again.groups == space.groups
    assert again.rows.dtype == dtype
    np.testing.assert_array_equal(again.rows.values, space.rows.values)
    np.testing.assert_array_equal(again.rows.norms, space.rows.norms)
    assert again.metric == space.metric
    assert again.card.to_json() == space.card.to_json()
    assert again.table.equals(space.table)
    assert again.nearest("u3", 4).keys == space.nearest("u3", 4).keys


def test_the_rows_are_mapped_not_read(tmp_path):
    example().save(tmp_path / "space.arrow")
    before = pa.total_allocated_bytes()
    again = Space.open(tmp_path / "space.arrow")
    assert not again.rows.values.flags.owndata
    assert not again.rows.values.flags.writeable
    assert pa.total_allocated_bytes() - before < 4096


@pytest.mark.parametrize("size", [0, 1])
def test_tiny_spaces_come_back(size, tmp_path):
    space = Space.of(["a"][:size], np.ones((size, 3)))
    space.save(tmp_path / "space.arrow")
    again = Space.open(tmp_path / "space.arrow")
    assert len(again) == size
    assert again.dim == 3
    assert len(again.nearest(np.ones(3), 2)) == size


def test_a_slice_and_an_empty_group_come_back(tmp_path):
    space = example().group("item")
    space.save(tmp_path / "space.arrow")
    assert list(Space.open(tmp_path / "space.arrow").keys) == list(space.keys)
    empty = Space.of(Keys(["a"], {"none": 0, "one": 1}), [[1.0]])
    empty.save(tmp_path / "space.arrow")
    assert Space.open(tmp_path / "space.arrow").groups == {"none": range(0), "one": range(1)}


def test_a_space_can_be_saved_over_the_file_that_it_is_mapped_from(tmp_path):
    path = tmp_path / "space.arrow"
    example().save(path)
    Space.open(path).with_attribute("more", np.arange(30)).save(path)
    assert Space.open(path).attribute("more").to_pylist() == list(range(30))


def test_other_libraries_read_the_file(tmp_path):
    example().save(tmp_path / "space.arrow")
    frame = polars.read_ipc((tmp_path / "space.arrow").read_bytes())
    assert frame.columns == ["key", "group", "vector", "norm", "count", "title"]
    assert frame["key"][3] == "u3"
    assert len(frame["vector"][0]) == 5


def test_a_failed_save_leaves_the_old_file(tmp_path):
    path = tmp_path / "space.arrow"
    example().save(path)
    before = path.read_bytes()
    with pytest.raises(BadFile, match="cannot be written"):
        example().save(tmp_path / "missing" / "space.arrow")
    assert path.read_bytes() == before
    assert [each.name for each in tmp_path.iterdir()] == ["space.arrow"]


def test_what_is_no_space_is_refused(tmp_path):
    with pytest.raises(BadFile, match="no such file"):
        Space.open(tmp_path / "nothing")
    with pytest.raises(BadFile, match="folder"):
        Space.open(tmp_path)
    (tmp_path / "text").write_text("hello " * 100)
    with pytest.raises(BadData, match="not the Arrow file of a Space"):
        Space.open(tmp_path / "text")
    polars.DataFrame({"key": ["a"], "x": [1]}).write_ipc(tmp_path / "other")
    with pytest.raises(BadData, match="but not of a Space"):
        Space.open(tmp_path / "other")


def rewritten(path, change):
    """The file of a Space after a change of its table or metadata."""
    with pa.memory_map(str(path)) as source:
        table = pa.ipc.open_file(source).read_all()
    table = change(table)
    changed = path.with_suffix(".changed")
    with pa.OSFile(str(changed), "wb") as sink, pa.ipc.new_file(sink, table.schema) as writer:
        writer.write_table(table)
    return changed


def described(**metadata):
    return lambda table: table.replace_schema_metadata(
        {**{key.decode(): value for key, value in table.schema.metadata.items()}, **metadata}
    )


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (described(**{"kinfold.format": "99"}), "newer"),
        (described(**{"kinfold.metric": "angle"}), "angle"),
        (described(**{"kinfold.card": "{"}), "card is damaged"),
        (described(**{"kinfold.card": "[1]"}), "card is damaged"),
        (lambda t: t.set_column(0, "key", pa.array([None] * 30, pa.large_string())), "missing values"),
        (lambda t: t.set_column(2, "vector", pa.array([[1.0]] * 30)), "fixed-size list"),
        (lambda t: t.set_column(2, "vector", pa.array([None] * 30, pa.list_(pa.float32(), 2))), "missing values"),
        (lambda t: t.set_column(1, "group", pa.array(["a", "b"] * 15).dictionary_encode()), "stand together"),
        (lambda t: t.set_column(3, "norm", pa.array(["x"] * 30)), "norm"),
    ],
)
def test_a_table_that_is_no_space_is_refused(change, message, tmp_path):
    example().save(tmp_path / "space.arrow")
    with pytest.raises(BadData, match=message):
        Space.open(rewritten(tmp_path / "space.arrow", change))


def test_several_batches_are_read_as_one(tmp_path):
    example().save(tmp_path / "space.arrow")
    with pa.memory_map(str(tmp_path / "space.arrow")) as source:
        table = pa.ipc.open_file(source).read_all()
    with pa.OSFile(str(tmp_path / "cut"), "wb") as sink, pa.ipc.new_file(sink, table.schema) as writer:
        writer.write_table(table, max_chunksize=7)
    again = Space.open(tmp_path / "cut")
    assert again.keys == example().keys
    assert again.nearest("u3", 4).keys == example().nearest("u3", 4).keys


FUZZ = """
import sys, numpy as np
from kinfold import Space
from kinfold.core.errors import KinfoldError
path, raw = sys.argv[1], open(sys.argv[1], "rb").read()
rng = np.random.default_rng(0)
opened = 0
for _ in range(250):
    data = bytearray(raw)
    if rng.random() < 0.3:
        data = data[: rng.integers(0, len(data))]
    else:
        for _ in range(rng.integers(1, 6)):
            data[rng.integers(0, len(data))] = rng.choice([0, 127, 128, 255])
    open(path, "wb").write(data)
    try:
        space = Space.open(path)
        space.nearest(np.ones(5), 3)
        list(space.keys), space.table and space.table.to_pylist()
        opened += 1
    except KinfoldError:
        pass
print(opened)
"""


def test_damaged_files_raise_and_never_crash(tmp_path):
    example().save(tmp_path / "space.arrow")
    command = [sys.executable, "-c", FUZZ, str(tmp_path / "space.arrow")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    assert 0 < int(done.stdout) < 250


def test_every_error_is_of_one_kind():
    assert issubclass(BadData, KinfoldError)
    assert issubclass(BadData, ValueError)
    assert issubclass(BadFile, OSError)


def test_opening_and_asking_loads_no_heavy_library(tmp_path):
    example().save(tmp_path / "space.arrow")
    heavy = ["pandas", "polars", "numba", "scipy", "duckdb", "faiss"]
    code = (
        "import sys; from kinfold import Space; space = Space.open(sys.argv[1]); space.nearest('u3', 3); "
        f"print(len(space.nearest(space['u1'], 3)), [name for name in {heavy} if name in sys.modules])"
    )
    command = [sys.executable, "-c", code, str(tmp_path / "space.arrow")]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.strip() == "3 []"
