"""A stream of interactions: who took part has a new row, all others keep theirs."""

import numpy as np
import pytest

import kinfold as kf
from kinfold.core.errors import BadData, BadOption
from kinfold.core.histories import Sides, remembered

MET = {f"{kind}{n}": [f"{kind}-{each}" for each in range(2 + n % 3)] for kind in ("a", "b") for n in range(20)}
MORE = {"a0": ["a-4"], "a1": ["a-4"], "new": ["a-0", "a-1"], "a3": ["a-9"], "a4": ["a-9", "a-2"]}


def rated(met):
    return [(user, item, 1 + len(item) % 3) for user, items in met.items() for item in items]


@pytest.fixture(scope="module", params=["als", "svd", "bpr", "funksvd"])
def spaces(request):
    options = {"als": {"dim": 4}, "svd": {"dim": 4}, "bpr": {"dim": 4}, "funksvd": {"dim": 5, "epochs": 20}}
    before = kf.items(rated(MET), method=request.param, **options[request.param])
    return before, kf.items(rated(MORE), resume=before)


def test_only_what_took_part_is_moved(spaces):
    before, after = spaces
    assert after.frame == before.frame
    for group, touched in (("user", set(MORE)), ("item", {"a-0", "a-1", "a-2", "a-4", "a-9"})):
        old, new = before.group(group), after.group(group)
        assert list(new.keys)[: len(old)] == list(old.keys)
        moved = {key for key in old.keys if not np.array_equal(old[key], new[key])}
        assert moved == touched & set(old.keys)
    assert np.isfinite(after.rows.dense()).all()


def test_new_ones_are_placed_where_they_belong(spaces):
    _, after = spaces
    assert after.group("user").keys[-1] == "new"
    assert list(after.group("item").keys)[-2:] == ["a-4", "a-9"]
    if after.card.method != "funksvd":
        assert {key[0] for key in after.nearest("new", k=4, group="item").keys} == {"a"}
        assert after.nearest("a-9", k=1).keys[0][0] == "a"


def test_what_was_met_is_remembered(spaces):
    _, after = spaces
    matrix = remembered(after, Sides.of(after))
    items = list(after.group("item").keys)
    row = list(after.group("user").keys).index("a0")
    assert {items[each] for each in matrix[[row]].indices} == {"a-0", "a-1", "a-4"}
    assert after.group("item").attribute("count").to_pylist()[items.index("a-9")] == 2
    assert after.card.steps[-1]["users"] == 5


def test_a_user_has_the_row_that_its_history_folds_in_to():
    before = kf.items(MET, dim=4)
    after = kf.items(MORE, resume=before)
    folded = kf.encoder(after).encode([["a-0", "a-1", "a-4"]])
    np.testing.assert_allclose(after["a0"], folded.rows.dense()[0], atol=1e-4)


def test_sums_and_last():
    for repeated, weight in (("sum", 5.0), ("last", 3.0)):
        before = kf.items([("a", "x", 2), ("b", "x", 1), ("b", "y", 1)], dim=2, repeated=repeated)
        after = kf.items([("a", "x", 3)], resume=before)
        assert remembered(after, Sides.of(after))[0, 0] == weight


def test_only_users_where_items_are_learned_from_sequences():
    before = kf.items(MET, method="item2vec", dim=4, epochs=2)
    after = kf.items(MORE, resume=before)
    assert "a-9" not in after.group("item").keys
    np.testing.assert_array_equal(before.group("item").rows.dense(), after.group("item").rows.dense())
    assert after.card.steps[-1]["left_out"] == 4


def test_what_comes_later_stands_behind_in_the_order():
    pytest.importorskip("torch", reason="torch is not installed")
    ring = {f"u{n}": [f"i{(n + step) % 6}" for step in range(4)] for n in range(30)}
    before = kf.items(ring, method="sasrec", dim=8, epochs=2, length=8)
    after = kf.items({"u0": ["i5", "i1"], "new": ["i2", "unheard"]}, resume=before)
    matrix = remembered(after, Sides.of(after))
    order = sorted(zip(matrix[[0]].data, (after.group("item").keys[each] for each in matrix[[0]].indices), strict=True))
    assert [key for _, key in order] == ["i0", "i2", "i3", "i5", "i1"]
    folded = kf.encoder(after).encode([[key for _, key in order]])
    np.testing.assert_allclose(after["u0"], folded.rows.dense()[0], atol=1e-5)
    assert after.card.steps[-1]["left_out"] == 1


def test_features_place_what_came_later_too(tmp_path):
    (tmp_path / "items.csv").write_text("item,kind\n" + "".join(f"{k}-{n},{k}\n" for k in "ab" for n in range(4)))
    before = kf.items(MET, dim=4, item_table=tmp_path / "items.csv", item_features=["kind"])
    (tmp_path / "more.csv").write_text("item,kind\na-9,a\nb-8,b\n")
    after = kf.items(MORE, resume=before, item_table=tmp_path / "more.csv")
    items = after.group("item")
    assert items.attribute("kind").to_pylist()[-2:] == ["a", "b"]
    assert items["b-8"] @ after["b0"] > items["b-8"] @ after["a0"]
    np.testing.assert_array_equal(before.group("item")["b-0"], items["b-0"])


def test_what_cannot_go_on_is_told(tmp_path):
    space = kf.items(MET, dim=4)
    with pytest.raises(BadOption, match="leave them out"):
        kf.items(MORE, resume=space, dim=8)
    with pytest.raises(BadData, match="none of users"):
        kf.items(MORE, resume=kf.items(MET, method="ease"))
    forgotten = space.group("user").beside(space.group("item"))
    forgotten = type(space)(forgotten.keys, forgotten.rows, space.metric, space.card)
    with pytest.raises(BadData, match="does not remember"):
        kf.items(MORE, resume=forgotten)
