import gzip
import json

import numpy as np
import pyarrow as pa
import pyarrow.parquet as parquet
import pytest

from kinfold.core.errors import BadData, BadFile, BadOption, UnknownName
from kinfold.core.keys import Keys
from kinfold.core.shapes import Interactions
from kinfold.sources.interactions import read

ROWS = [("ann", "tea", 2.0, 10), ("bob", "tea", 1.0, 11), ("ann", "rye", 0.5, 12), ("ann", "tea", 4.0, 13)]
TEXT = "user,item,weight,time\n" + "".join(f"{u},{i},{w},{t}\n" for u, i, w, t in ROWS)


def told(met):
    """Every interaction as a tuple."""
    parts = [list(met)]
    columns = [each.tolist() for each in (met.weights, met.times) if each is not None]
    return [(*pair, *rest) for pair, *rest in zip(*parts, *columns, strict=True)]


def table():
    return pa.table(dict(zip(("user", "item", "weight", "time"), map(list, zip(*ROWS, strict=True)), strict=True)))


def written(folder, kind):
    path = folder / f"ratings.{kind}"
    if kind == "csv":
        path.write_text(TEXT)
    elif kind == "csv.gz":
        path.write_bytes(gzip.compress(TEXT.encode()))
    elif kind == "tsv":
        path.write_text(TEXT.replace(",", "\t"))
    elif kind == "parquet":
        parquet.write_table(table(), path)
    elif kind == "jsonl":
        path.write_text("\n".join(json.dumps(row) for row in table().to_pylist()))
    return path


@pytest.mark.parametrize("kind", ["csv", "csv.gz", "tsv", "parquet", "jsonl"])
def test_tables_are_read_in_order(tmp_path, kind):
    met = read(written(tmp_path, kind), weight="weight", time="time")
    assert told(met) == ROWS
    assert list(met.users) == ["ann", "bob"]
    assert list(met.items.groups) == ["item"]
    assert read(written(tmp_path, kind)).weights is None


def test_frames_are_read(tmp_path):
    pandas, polars = pytest.importorskip("pandas"), pytest.importorskip("polars")
    frame = table()
    for each in (frame, frame.to_pandas(), polars.from_arrow(frame)):
        assert told(read(each, weight="weight", time="time")) == ROWS
    dated = pandas.DataFrame({"user": [1, 2], "item": [7, 7], "time": pandas.to_datetime(["2020-01-02", "2020-01-01"])})
    met = read(dated, time="time")
    assert list(met.users) == ["1", "2"]
    assert met.times.tolist() == [1577923200.0, 1577836800.0]


def test_columns_have_any_names_and_dates_any_form(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("who,what,when\nann,tea,2020-01-02\nbob,tea,2020-01-02T00:00:01+00:00\n")
    met = read(path, user="who", item="what", time="when")
    assert met.times.tolist() == [1577923200.0, 1577923201.0]


def test_columns_without_a_header_are_numbered(tmp_path):
    path = tmp_path / "u.data"
    path.write_text("196\t242\t3\t881250949\n186\t302\t3\t891717742\n")
    met = read(path, user="1", item="2", weight="3", time="4")
    assert told(met) == [("196", "242", 3.0, 881250949.0), ("186", "302", 3.0, 891717742.0)]
    double = tmp_path / "ratings.dat"
    double.write_text("1::1193::5::978300760\n2::661::3::978302109\n")
    assert told(read(double, user="1", item="2", weight="3")) == [("1", "1193", 5.0), ("2", "661", 3.0)]


def test_lines_of_a_user_and_its_items(tmp_path):
    path = tmp_path / "train.txt.gz"
    path.write_bytes(gzip.compress(b"0 7 8 9\n1 8\n2\n\n3 9 7\n"))
    assert list(read(path)) == [("0", "7"), ("0", "8"), ("0", "9"), ("1", "8"), ("3", "9"), ("3", "7")]
    both = read([path, path])
    assert len(both) == 12
    assert len(both.users) == 3


def test_mappings_and_tuples():
    assert list(read({"ann": ["tea", "rye"], 7: [8]})) == [("ann", "tea"), ("ann", "rye"), ("7", "8")]
    assert told(read(iter(ROWS))) == ROWS


@pytest.mark.parametrize(
    ("line", "what"),
    [("ann,tea,n/a,1", "weight 'n/a'"), ("ann,tea,-1,1", "weight '-1'"), ("ann,tea,inf,1", "weight 'inf'"),
     ("ann,tea,1e60,1", "weight '1e60'"), ("ann,tea,,1", "weight"), ("ann,tea,1,soon", "time 'soon'"),
     (",tea,1,1", "there is no user"), ("ann,,1,1", "there is no item")],
)  # fmt: skip
def test_a_bad_row_is_named_or_skipped_and_counted(tmp_path, line, what):
    path = tmp_path / "ratings.csv"
    path.write_text(TEXT + line + "\n")
    with pytest.raises(BadData, match=r"ratings\.csv row 5: .*") as error:
        read(path, weight="weight", time="time")
    assert what in str(error.value)
    assert "on_bad='skip'" in str(error.value)
    met = read(path, weight="weight", time="time", on_bad="skip")
    assert told(met) == ROWS
    assert met.skipped == 1


def test_what_cannot_be_read_is_said(tmp_path):
    path = written(tmp_path, "csv")
    with pytest.raises(UnknownName, match="no column 'usr'"):
        read(path, user="usr")
    with pytest.raises(UnknownName, match="no column 'stars'"):
        read(table(), weight="stars")
    with pytest.raises(BadFile):
        read(tmp_path)
    with pytest.raises(BadOption, match="columns of a table"):
        read([("a", "b")], user="who")
    with pytest.raises(BadOption, match="on_bad"):
        read(path, on_bad="ignore")
    for source in ([], {}, iter(())):
        with pytest.raises(BadData, match="no interaction"):
            read(source)
    for source in ([("a",)], ["ab"[:1]], [("a", "b"), ("a", "b", 1)], [7]):
        with pytest.raises((BadData, BadFile)):
            read(source)
    with pytest.raises(BadData):
        read(7)
    empty = tmp_path / "empty.csv"
    empty.write_text("user,item\n")
    with pytest.raises(BadData, match="no interaction"):
        read(empty)


def test_the_shape_refuses_parts_that_do_not_fit():
    users, items, ids = Keys(["a"], "user"), Keys(["b"], "item"), np.zeros(2, np.int32)
    with pytest.raises(BadData, match="outside"):
        Interactions(users, items, ids + 1, ids)
    with pytest.raises(BadData, match="do not go with"):
        Interactions(users, items, ids, ids[:1])
    with pytest.raises(BadData, match="negative"):
        Interactions(users, items, ids, ids, np.array([1, -1], np.float32))
    with pytest.raises(BadData, match="int32"):
        Interactions(users, items, ids.astype(np.int64), ids)


@pytest.mark.parametrize("rows", [1, 5000])
def test_a_line_that_ends_too_early_is_a_bad_row(tmp_path, rows):
    path = tmp_path / "met.csv"
    path.write_text("user,item\n" + "a,x\n" * rows + "b\nc,z\n")
    with pytest.raises(BadData, match=rf"row {rows + 1:,}: there is no item"):
        read(path)
    met = read(path, on_bad="skip")
    assert (len(met), met.skipped) == (rows + 1, 1)
