from __future__ import annotations

import datetime
import re

import numpy as np
import pyarrow as pa
import pytest
from show.pages import HOSTILE, Page, unpacked

from kinfold.core.codes import Codes
from kinfold.core.errors import BadFile, BadOption, UnknownName
from kinfold.core.keys import Keys
from kinfold.core.metric import Metric
from kinfold.core.rows import Rows
from kinfold.core.space import Space
from kinfold.show import layout
from kinfold.show import map as maps


def blocks(n: int = 60, dim: int = 8, kinds: int = 3) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(1)
    kind = np.arange(n) % kinds
    centers = np.eye(dim)[:kinds] * 6
    return (centers[kind] + rng.normal(size=(n, dim)) * 0.3).astype(np.float32), kind


def space(n: int = 60) -> Space:
    rows, kind = blocks(n)
    return Space.of(
        [HOSTILE, *(f"key {i}" for i in range(1, n))],
        rows,
        table=pa.table(
            {
                "count": [(i * 7) % n + 1 for i in range(n)],
                "kind": [f"kind {each}" for each in kind],
                "title": [f"Title of <b>{i}</b>" for i in range(n)],
                "weight": [None if i == 3 else i / 10 for i in range(n)],
                "vector like": pa.array([[1.0, 2.0]] * n, pa.list_(pa.float32(), 2)),
            }
        ),
    )


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    path = tmp_path_factory.mktemp("map") / "map.html"
    maps.write(space(), path, method="pca")
    return path.read_text("utf-8")


def test_the_page_is_whole_and_asks_for_nothing_outside(page):
    parsed = Page(page)
    for tag, name, value in parsed.attributes:
        assert name not in ("src", "href", "srcset", "action"), (tag, name, value)
    assert not re.search(r"(?i)\burl\(|@import|\bfetch\(|XMLHttpRequest|https?://", page)
    assert "default-src 'none'" in page


def test_a_hostile_key_is_data_and_nothing_else(page):
    parsed = Page(page)
    assert len(parsed.scripts) == 2  # the data and the page's own
    assert HOSTILE in parsed.data["keys"]
    assert "alert(1)" not in parsed.scripts[1][1]
    assert "<b>" not in parsed.scripts[0][1]


def test_what_is_decoded_is_what_was_given(page):
    given, data = space(), Page(page).data
    rows = [given.keys.row(key) for key in data["keys"]]
    counts = np.asarray(given.attribute("count"))
    assert (np.diff(counts[rows]) <= 0).all()  # most frequent first
    colors = {each["name"]: each for each in data["colors"]}
    assert list(colors) == ["count", "kind", "weight"]
    assert (unpacked(colors["count"]["values"], "<f4") == counts[rows]).all()
    weights = np.array(given.attribute("weight").to_pylist(), float)[rows].astype(np.float32)
    np.testing.assert_array_equal(unpacked(colors["weight"]["values"], "<f4"), weights)
    kinds = [colors["kind"]["names"][code] for code in unpacked(colors["kind"]["values"], "<u4")]
    assert kinds == [given.attribute("kind")[row].as_py() for row in rows]
    assert data["texts"][0]["values"] == [given.attribute("title")[row].as_py() for row in rows]


def test_neighbors_are_those_of_the_original_rows(page):
    given, data = space(), Page(page).data
    near = unpacked(data["near"], "<u4").reshape(-1, data["k"])
    steps = unpacked(data["scores"]["values"], "u1").reshape(-1, data["k"])
    low, high = data["scores"]["low"], data["scores"]["high"]
    for place in (0, 17, 59):
        hits = given.nearest(data["keys"][place], data["k"])
        assert [data["keys"][each] for each in near[place]] == hits.keys
        np.testing.assert_allclose(low + (high - low) * steps[place] / 255, hits.scores, atol=(high - low) / 255)


def test_places_keep_proportions():
    places = np.array([[0, 0], [10, 0], [10, 5], [0, 5]], np.float32)
    squares = maps.quantized(places).astype(float)
    assert np.ptp(squares[:, 0]) == 65_535
    assert np.ptp(squares[:, 1]) == pytest.approx(65_535 / 2, abs=1)
    assert squares[:, 1].mean() == pytest.approx(65_535 / 2, abs=1)


@pytest.mark.parametrize("count", [0, 1, 2, 3, 13])
def test_few_rows_make_a_map_too(tmp_path, count):
    rows = np.random.default_rng(0).normal(size=(count, 4))
    maps.write(Space.of([f"k{i}" for i in range(count)], rows), tmp_path / "m.html")
    data = Page((tmp_path / "m.html").read_text()).data
    assert len(data["keys"]) == count
    near = unpacked(data["near"], "<u4").reshape(-1, data["k"])
    assert ((near < count).sum(axis=1) == max(0, min(data["k"], count - 1))).all()


def test_a_limit_keeps_the_most_frequent_and_says_so(tmp_path):
    maps.write(space(), tmp_path / "m.html", method="pca", limit=10)
    page = Page((tmp_path / "m.html").read_text())
    counts = unpacked(page.data["colors"][0]["values"], "<f4")
    assert counts.tolist() == list(range(60, 50, -1))
    assert "The 10 most frequent of 60 rows" in page.text


def test_groups_and_dates_color_the_points(tmp_path):
    rows, _ = blocks(20)
    table = pa.table(
        {"day": [datetime.date(2020, 1, 1 + i) for i in range(20)], "many": [f"m{i % 15}" for i in range(20)]}
    )
    both = Space(
        Keys([f"k{i}" for i in range(20)], {"user": 5, "item": 15}),
        Rows(rows),
        Metric.DOT,
        Space.of(["a"], [[1.0]]).card,
        table,
    )
    maps.write(both, tmp_path / "m.html", method="pca", color="day", group=["item", "user"])
    data = Page((tmp_path / "m.html").read_text()).data
    group, day = data["colors"][:2]
    assert unpacked(group["values"], "<u4").tolist() == [0] * 5 + [1] * 15
    assert day["unit"] == "date"
    assert unpacked(day["values"], "<f4")[0] == (datetime.date(2020, 1, 1) - datetime.date(1970, 1, 1)).days
    assert data["color"] == "day"


def with_ngrams() -> Space:
    """Sixty words, with the rows of 300 n-grams behind them."""
    rows = np.concatenate([blocks()[0], np.random.default_rng(5).normal(size=(300, 8)).astype(np.float32)])
    keys = Keys([f"w{i}" for i in range(60)] + [str(i) for i in range(300)], {"word": 60, "ngram": 300})
    counts = pa.array([*range(60, 0, -1), *[None] * 300])
    return Space.of(keys, rows, table=pa.table({"count": counts}))


def test_the_first_group_is_drawn_unless_others_are_named(tmp_path):
    def shown(group):
        maps.write(with_ngrams(), tmp_path / "m.html", method="pca", group=group)
        return Page((tmp_path / "m.html").read_text())

    words = shown(None)
    assert words.data["keys"] == [f"w{i}" for i in range(60)]
    assert "60 words" in words.text
    assert "group" not in [each["name"] for each in words.data["colors"]]
    assert len(shown("ngram").data["keys"]) == 300
    both = shown(["ngram", "word"])
    assert len(both.data["keys"]) == 360
    assert both.data["colors"][0]["names"] == ["word", "ngram"]
    with pytest.raises(UnknownName, match="Did you mean 'word'"):
        shown(["words"])


def test_clusters_color_the_points_by_their_names(tmp_path):
    from kinfold.transform import Clusters

    clustered = Clusters(k=20).apply(space())
    maps.write(clustered, tmp_path / "m.html", method="pca", color="cluster")
    data = Page((tmp_path / "m.html").read_text()).data
    assert data["color"] == "cluster"
    colors = {each["name"]: each for each in data["colors"]}
    assert "cluster_name" not in colors
    assert "cluster_name" not in [each["name"] for each in data["texts"]]
    assert colors["cluster"]["kind"] == "names"
    named = [colors["cluster"]["names"][code] for code in unpacked(colors["cluster"]["values"], "<u4")]
    rows = clustered.keys.rows(data["keys"]).tolist()
    assert named == [clustered.attribute("cluster_name")[row].as_py() for row in rows]


def test_attributes_of_every_kind_of_column_are_taken(tmp_path):
    rows, _ = blocks(30)
    names = pa.array(["a", "b", None] * 10)
    columns = {
        "dictionary": names.dictionary_encode(),
        "view": names.cast(pa.string_view()),
        "yes": [True, None, False] * 10,
        "when": pa.array([0, 86_400_000_000, None] * 10, pa.timestamp("us", "UTC")),
        "none": pa.array([None] * 30, pa.float32()),
        "nothing": pa.nulls(30),
        "huge": pa.array([2**64 - 1] * 30, pa.uint64()),
        "far": [float("inf")] * 29 + [1.0],
    }
    maps.write(Space.of([f"k{i}" for i in range(30)], rows, table=pa.table(columns)), tmp_path / "m.html", method="pca")
    found = {each["name"]: each for each in Page((tmp_path / "m.html").read_text()).data["colors"]}
    for name in ("dictionary", "view"):
        assert [found[name]["names"][code] for code in unpacked(found[name]["values"], "<u4")][:3] == [
            "a",
            "b",
            "(none)",
        ]
    np.testing.assert_array_equal(unpacked(found["when"]["values"], "<f4")[:3], [0, 1, np.nan])
    assert set(found["yes"]["names"]) == {"true", "false", "(none)"}


def test_wrong_options_are_refused(tmp_path):
    with pytest.raises(UnknownName, match="kind"):
        maps.write(space(), tmp_path / "m.html", method="pca", color="kinf")
    with pytest.raises(BadOption, match="umap"):
        maps.write(space(), tmp_path / "m.html", method="umab")
    with pytest.raises(BadOption, match="limit"):
        maps.write(space(), tmp_path / "m.html", limit=0)
    with pytest.raises(BadFile):
        maps.write(space(), tmp_path / "no" / "m.html", method="pca")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("metric", list(Metric))
def test_umap_is_the_same_for_a_seed_and_keeps_kinds_together(metric):
    rows, kind = blocks()
    first, scores, found = layout.place(Rows(rows), metric, "umap", 3, 8)
    again, *_ = layout.place(Rows(rows.copy()), metric, "umap", 3, 8)
    assert np.array_equal(first, again)
    assert not np.array_equal(first, layout.place(Rows(rows), metric, "umap", 4, 8)[0])
    away = np.linalg.norm(first[:, None] - first[None], axis=2) + np.eye(len(first)) * 1e9
    assert (kind[away.argmin(axis=1)] == kind).mean() > 0.95
    assert (kind[found] == kind[:, None]).mean() > 0.95
    assert (np.diff(scores, axis=1) <= 0).all()


def test_rows_that_are_equal_or_zero_are_no_trouble():
    rows = np.zeros((40, 3), np.float32)
    rows[20:] = [1, 2, 3]
    book = np.zeros((1, 256, 3), np.float32)
    book[0, 7] = [1, 2, 3]
    codes = Codes(np.repeat([[0], [7]], 20, axis=0).astype(np.uint8), book, 3)
    for metric in Metric:
        places, _, found = layout.place(Rows(rows), metric, "umap", 0, 8)
        assert np.isfinite(places).all()
        assert not (found == np.arange(40)[:, None]).any()
        np.testing.assert_array_equal(layout.place(Rows(codes), metric, "umap", 0, 8)[0], places)


def test_pca_is_the_plane_of_most_variance():
    rng = np.random.default_rng(0)
    rows = (rng.normal(size=(200, 6)) * [5, 1, 3, 0.1, 0.1, 0.1]).astype(np.float32)
    places = layout.pca(Rows(rows), Metric.L2)
    for axis, column in ((0, 0), (1, 2)):
        assert abs(np.corrcoef(places[:, axis], rows[:, column])[0, 1]) > 0.99


@pytest.mark.parametrize("copies", [1, 40])
def test_the_graph_of_a_map_is_that_of_umap(copies):
    from umap.umap_ import fuzzy_simplicial_set

    rows = np.repeat(np.random.default_rng(0).normal(size=(400 // copies, 6)).astype(np.float32), copies, axis=0)
    scores, found = layout.neighbors(Rows(rows), Metric.COSINE, 14)
    distances = np.zeros((400, 15), np.float32)
    distances[:, 1:] = np.maximum(1 - scores, 0)
    if copies > 1:
        distances[distances < 1e-6] = 0
    ids = np.column_stack([np.arange(400), found])
    wanted, *_ = fuzzy_simplicial_set(
        rows, 15, np.random.RandomState(0), "euclidean", knn_indices=ids, knn_dists=distances
    )
    got = layout.memberships(distances[:, 1:], found)
    np.testing.assert_allclose(got.toarray(), wanted.toarray(), atol=1e-5)
