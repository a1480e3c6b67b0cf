"""Files of interactions and of attributes that somebody broke: read, skipped and counted, or refused in one line."""

import gzip

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kinfold.core.errors import KinfoldError
from kinfold.sources import attributes
from kinfold.sources.interactions import read

ROWS = [("ann", "tea", "2", "10"), ("bob", "rye", "1.5", "11"), ("ann", "rye", "0", "1970-01-02")]
LINES = "user,item,weight,time\n" + "".join(",".join(row) + "\n" for row in ROWS)
TABLE = pa.table(dict(zip(("user", "item", "weight", "time"), map(list, zip(*ROWS, strict=True)), strict=True)))


def valid(kind: str) -> bytes:
    if kind == "parquet":
        sink = pa.BufferOutputStream()
        pq.write_table(TABLE, sink)
        return sink.getvalue().to_pybytes()
    text = {
        "csv": LINES,
        "tsv": LINES.replace(",", "\t"),
        "dat": LINES.replace(",", "::"),
        "txt": "ann tea rye\nbob rye\n",
        "jsonl": "".join(f'{{"user": "{u}", "item": "{i}", "weight": {w}, "time": "{t}"}}\n' for u, i, w, t in ROWS),
    }[kind.removesuffix(".gz")]
    return gzip.compress(text.encode()) if kind.endswith(".gz") else text.encode()


KINDS = ["csv", "csv.gz", "tsv", "dat", "txt", "jsonl", "parquet"]


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_whole_is_read(tmp_path, kind):
    path = tmp_path / f"met.{kind}"
    path.write_bytes(valid(kind))
    columns = {} if kind == "txt" else {"weight": "weight", "time": "time"}
    met = read(path, **columns)
    assert list(met) == [("ann", "tea"), ("ann", "rye"), ("bob", "rye")] if kind == "txt" else len(met) == 3


@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    kind=st.sampled_from(KINDS),
    on_bad=st.sampled_from(["raise", "skip"]),
    weighted=st.booleans(),
    data=st.data(),
)
def test_what_is_broken_is_told(tmp_path_factory, kind, on_bad, weighted, data):
    whole = bytearray(valid(kind))
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(whole) - 1)) if whole else 0
        match data.draw(st.sampled_from(["cut", "flip", "put", "double"])):
            case "cut":
                del whole[at:]
            case "flip" if whole:
                whole[at] ^= 1 << data.draw(st.integers(0, 7))
            case "put":
                whole[at:at] = data.draw(
                    st.sampled_from([b",", b"\n", b'"', b"\x00", b"\xe9", b"::", b"nan", b"-1", b"1e999"])
                )
            case _:
                whole[at:at] = whole[at : at + 20]
    path = tmp_path_factory.mktemp("broken") / f"met.{kind}"
    path.write_bytes(bytes(whole))
    columns = {"user": "user", "weight": "weight", "time": "time"} if weighted and kind != "txt" else {}
    try:
        met = read(path, on_bad=on_bad, **columns)
    except KinfoldError as error:
        assert str(error)  # noqa: PT017
    else:
        assert len(met) > 0
        assert len(list(met)) == len(met)
    try:
        keys, table = attributes.read(path)
    except KinfoldError as error:
        assert str(error)  # noqa: PT017
    else:
        assert len(keys) == table.num_rows


@settings(max_examples=60, deadline=None)
@given(data=st.binary(max_size=200), kind=st.sampled_from(KINDS))
def test_random_bytes(tmp_path_factory, data, kind):
    path = tmp_path_factory.mktemp("random") / f"met.{kind}"
    path.write_bytes(data)
    try:
        assert len(read(path, user="1", item="2")) > 0
    except KinfoldError as error:
        assert str(error)  # noqa: PT017
