"""What a reader of the documentation would try with users and items, and what it must not do to them."""

import importlib
import subprocess
import sys

import numpy as np
import pyarrow as pa
import pytest

import kinfold as kf
from kinfold.core.errors import BadData, BadOption, KinfoldError
from kinfold.core.histories import Sides, known, remembered
from kinfold.recipes.judging import judged
from kinfold.sources.interactions import read
from kinfold.tasks.recommend import recommend, why

MET = {f"{kind}{n}": [f"{kind}-{each}" for each in range(2 + n % 3)] for kind in ("a", "b") for n in range(20)}
RATED = [
    (user, item, 1 + (number + place) % 5) for number, user in enumerate(MET) for place, item in enumerate(MET[user])
]
METHODS = ["als", "bpr", "ease", "svd", "item2vec", "funksvd", "sasrec"]


def learned(method, met=RATED, **options):
    if method == "sasrec":
        pytest.importorskip("torch", reason="torch is not installed")
        options = {"heads": 1, "epochs": 2, **options}
    if method != "ease":
        options = {"dim": 5, **options}
    return kf.items(met, method=method, **options)


def test_tasks_are_modules_of_the_package():
    script = "import kinfold as kf; print(kf.tasks.recommend.recommend.__name__)"
    assert (
        subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout
        == "recommend\n"
    )
    assert importlib.import_module("kinfold.tasks").__all__


def test_two_tables_with_a_column_of_one_name():
    items = pa.table({"item": [f"{k}-{n}" for k in "ab" for n in range(4)], "kind": list("aaaabbbb"), "size": range(8)})
    users = pa.table({"user": list(MET), "kind": ["x", "y"] * 20, "size": ["s", "l"] * 20, "count": range(40)})
    space = kf.items(
        MET, dim=4, item_table=items, user_table=users, item_features=["kind"], user_features=["size", "kind", "count"]
    )
    assert known(space, "user")["kind"].to_pylist()[:3] == ["x", "y", "x"]
    assert known(space, "user")["size"].to_pylist()[:2] == ["s", "l"]
    assert known(space, "user")["count"].to_pylist() == list(range(40))
    assert known(space, "item")["size"].type == pa.int64()
    assert {"size=s", "kind=x", "count"} <= set(space.group("user_feature").keys)
    judged(space, read(MET), split="random", item_groups="kind")
    after = kf.items({"a0": ["b-0"]}, resume=space)
    moved = [key for key in space.group("user").keys if (space.group("user")[key] != after.group("user")[key]).any()]
    assert moved == ["a0"]


def test_numbers_keep_their_scale_when_more_come():
    items = pa.table(
        {"item": [f"{k}-{n}" for k in "ab" for n in range(5)], "year": [*range(1990, 1995), *range(2000, 2005)]}
    )
    space = kf.items(MET, dim=4, item_table=items, item_features="year")
    more = pa.table({"item": ["b-8", "b-9"], "year": [2004.0, 3000.5]})
    after = kf.items({"a0": ["a-2"]}, resume=space, item_table=more)
    assert known(after, "item")["year"].to_pylist()[-2:] == [2004.0, 3000.5]
    # Nobody met b-4 (2004) before, nor b-8 (2004) now: the same features, the same row; the first one did not move.
    np.testing.assert_array_equal(space.group("item")["b-4"], after.group("item")["b-4"])
    np.testing.assert_allclose(after.group("item")["b-8"], after.group("item")["b-4"], atol=1e-6)


@pytest.mark.parametrize("repeated", ["sum", "last"])
def test_repetition_means_the_same_when_more_come(repeated):
    more = [("a0", "a-0", 5), ("a0", "a-0", 3), ("a0", "b-0", 2)]
    space = kf.items(RATED, dim=4, repeated=repeated)
    once, twice = kf.items([*RATED, *more], dim=4, repeated=repeated), kf.items(more, resume=space)
    assert (remembered(once, Sides.of(once)) != remembered(twice, Sides.of(twice))).nnz == 0


def test_of_ratings_the_last_counts_and_zero_is_one():
    space = kf.items([("a", "x", 5), ("a", "x", 1), ("b", "x", 0), ("b", "y", 3)], method="funksvd", dim=3)
    assert space.card.data["mean"] == pytest.approx((1 + 0 + 3) / 3)
    assert remembered(space, Sides.of(space)).nnz == 3


@pytest.mark.parametrize("method", METHODS)
def test_every_method_counts_for_both_sides(method):
    space = learned(method)
    of = space.group("item").attribute("count").to_pylist()
    assert sum(of) == len(RATED)
    if method != "ease":
        assert sum(space.group("user").attribute("count").to_pylist()) == len(RATED)


@pytest.mark.parametrize("method", ["als", "svd", "item2vec"])
def test_why_tells_the_score_that_recommend_shows(method):
    space = learned(method)
    for hits in recommend(space, k=2)[:6]:
        for key, score in hits:
            report = why(space, key, user=hits.query)
            assert report["score"].value == pytest.approx(score, abs=1e-5)
            assert sum(row[2] for row in report.tables[0].rows) == pytest.approx(score, abs=1e-5)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(
    "wrong", [{"a-0": float("nan")}, {"a-0": float("inf")}, {"a-0": -1}, {"a-0": "x"}, {"a-0": None}]
)
def test_weights_of_histories_are_numbers(method, wrong):
    with pytest.raises(BadData, match="weight of 'a-0'"):
        recommend(learned(method), histories=[wrong])


def test_histories_of_ratings_have_ratings():
    space = learned("funksvd")
    with pytest.raises(BadData, match="has no ratings"):
        recommend(space, histories=[["a-0"]])
    good, bad = recommend(space, histories=[{"a-0": 5, "a-1": 5}, {"a-0": 1, "a-1": 1}], k=1)
    assert good.scores[0] > bad.scores[0]
    assert recommend(space, histories=[]) == []


@pytest.mark.parametrize("method", METHODS)
def test_threads_are_at_least_one(method):
    with pytest.raises(BadOption, match="threads is 0"):
        learned(method, threads=0)


@pytest.mark.parametrize("method", ["bpr", "funksvd"])
def test_biases_do_not_make_items_alike(method):
    space = learned(method)
    items = space.group("item")
    factors = items.rows.dense()[:, : space.dim - space.card.data["biases"]]
    own = list(items.keys).index("a-0")
    cosines = factors @ factors[own] / np.linalg.norm(factors, axis=1) / np.linalg.norm(factors[own])
    hits = space.nearest("a-0", k=3)
    np.testing.assert_allclose(hits.scores, np.sort(np.delete(cosines, own))[::-1][:3], atol=1e-5)
    assert space.similarity("a-0", hits.keys[0]) == pytest.approx(hits.scores[0], abs=1e-5)


def test_a_newcomer_is_pulled_to_what_all_users_have_in_common():
    users = pa.table({"user": list(MET), "team": [user[0] for user in MET]})
    space = kf.items(MET, dim=4, user_table=users, user_features="team", solver="cholesky")
    folded = kf.encoder(space).encode([{"a-0": 1e-6}]).rows.dense()[0]
    common = space.group("user_feature")["*"]
    assert folded @ common > 0


def test_the_loss_falls_with_features():
    users = pa.table({"user": list(MET), "team": [user[0] for user in MET]})
    space = kf.items(MET, dim=4, epochs=8, user_table=users, user_features="team", solver="cholesky", scale=1.0)
    losses = [row[1] for row in next(each for each in space.card.reports if each.title == "training").tables[0].rows]
    assert (np.diff(losses) < 1e-4).all()


def test_what_is_asked_for_in_vain_is_told(tmp_path):
    space = learned("funksvd")
    with pytest.raises(BadOption, match="judged as a whole"):
        judged(space, read(RATED), split="random", where="count > 1")
    with pytest.raises(BadOption, match="no rows of users"):
        kf.items(MET, method="ease", user_table=pa.table({"user": ["a0"], "x": [1]}))
    with pytest.raises(BadOption, match="user and item are both the column 'a'"):
        read(pa.table({"a": ["1"]}), user="a", item="a")
    with pytest.raises(BadOption, match="seen is of users"):
        recommend(learned("als"), histories=[["a-0"]], seen=read(MET))
    with pytest.raises(KinfoldError, match="have none"):
        kf.items(MET, method="funksvd")


def test_names_of_attributes_are_trimmed():
    items = pa.table({"item": [" a-0 ", "a-1"], "kind": ["x", "y"]})
    assert kf.items(MET, dim=2, item_table=items).group("item").attribute("kind").to_pylist()[0] == "x"


def test_dates_may_name_users():
    import datetime

    days = [datetime.date(2026, 1, 1 + n) for n in range(4)]
    met = read(pa.table({"user": days, "item": ["x", "y", "x", "y"]}))
    assert next(iter(met.users)) == "2026-01-01"
