import numpy as np
import pandas as pd
import pytest

import kinfold as kf
from kinfold.core.errors import BadData, BadOption, UnknownName
from kinfold.measure import exposure


def shop(users=120, items=60, favored=True, seed=0):
    """Users who meet items of their own kind; where it is favored, those of the kind `big` are met by everybody."""
    rng = np.random.default_rng(seed)
    kinds = np.array(["big", "small", "rare"])[np.arange(items) % 3]
    met = []
    for user in range(users):
        weight = np.where((np.arange(items) // 3) % 2 == user % 2, 5.0, 1.0)
        if favored:
            weight = weight * np.where(kinds == "big", 8.0, 1.0)
        chosen = rng.choice(items, 8, replace=False, p=weight / weight.sum())
        met += [(f"u{user}", f"i{item}") for item in chosen]
    table = pd.DataFrame(met, columns=["user", "item"])
    things = pd.DataFrame({"item": [f"i{at}" for at in range(items)], "kind": kinds})
    things["tags"] = [f"{kind}|all" for kind in kinds]
    people = pd.DataFrame({"user": [f"u{at}" for at in range(users)], "gender": ["f", "m"] * (users // 2)})
    return kf.items(table, dim=6, item_table=things, user_table=people, seed=0, threads=1)


@pytest.fixture(scope="module")
def favoring():
    return shop()


def test_what_is_shown_too_much_is_told(favoring):
    report = exposure(favoring, "kind", k=5)
    rows = {row[0]: row for row in report.tables[0].rows}
    assert sum(row[4] for row in rows.values()) == pytest.approx(1)
    assert sum(row[2] for row in rows.values()) == pytest.approx(1)
    assert report["big/shown / catalogue"].low > 1 > report["small/shown / catalogue"].high
    assert report["big/p"].value < 0.05
    assert report.notes[0].startswith("big is shown")
    assert report["popularity lift"].low > 0
    assert 0 < report["gini"].value < 1


def test_shares_are_those_of_what_is_recommended(favoring):
    report = exposure(favoring, "kind", k=5)
    hits = kf.tasks.recommend.recommend(favoring, k=5)
    items = favoring.group("item")
    kinds = dict(zip(items.keys, items.attribute("kind").to_pylist(), strict=True))
    shown = [kinds[key] for each in hits for key in each.keys]
    rows = {row[0]: row for row in report.tables[0].rows}
    for kind in ("big", "small", "rare"):
        assert rows[kind][4] == pytest.approx(shown.count(kind) / len(shown))


def test_things_of_several_groups_count_in_each(favoring):
    report = exposure(favoring, "tags:|", k=5)
    rows = {row[0]: row for row in report.tables[0].rows}
    assert rows["all"][2] == rows["all"][4] == pytest.approx(1)
    assert set(rows) == {"all", "big", "small", "rare"}


def test_groups_of_users_are_compared(favoring):
    report = kf.audit(favoring, group="gender", k=5)
    assert {"f/popularity lift", "m/popularity lift"} <= {f"{each.group}/{each.name}" for each in report}
    # Who meets what depends on the parity of the user, which is the gender here: rows tell it.
    assert report["told by a probe"].low > 0.6
    assert report["neighbors of the same group"].value > report["when mixed"].value
    titles = [each.title for each in report.tables]
    assert "What groups of users are shown" in titles


def test_kinds_that_mean_nothing_are_no_finding():
    space = shop(favored=False, seed=5)
    mixed = np.random.default_rng(0).permutation(["x", "y"] * 30)
    space = space.with_attribute("lot", [None] * 120 + mixed.tolist())
    report = exposure(space, "lot")
    assert report["x/p"].value > 0.05
    assert report.notes[0].startswith("No group is shown")


def test_bad_questions_are_refused(favoring):
    with pytest.raises(UnknownName, match=r"by 'kinds'. Did you mean 'kind'"):
        exposure(favoring, "kinds")
    with pytest.raises(BadOption, match="k is 0"):
        exposure(favoring, "kind", k=0)
    with pytest.raises(BadOption, match="sample is 0"):
        exposure(favoring, "kind", sample=0)
    with pytest.raises(BadOption, match="tells 1 groups"):
        exposure(favoring.with_attribute("one", [None] * 120 + ["a"] * 60), "one")
    items = favoring.group("item")
    with pytest.raises(BadData, match="none of users"):
        exposure(items, "kind")
    bare = kf.Space(favoring.keys, favoring.rows, favoring.metric, favoring.card, favoring.table.select(["kind"]))
    with pytest.raises(BadData, match="does not remember"):
        exposure(bare, "kind")


def test_values_of_several_tags_are_told_to_be_cut():
    rng = np.random.default_rng(0)
    met = pd.DataFrame({"user": np.repeat([f"u{at}" for at in range(60)], 10), "item": rng.integers(0, 250, 600)})
    things = pd.DataFrame({"item": range(250), "tags": [f"tag{at % 9}|own{at}" for at in range(250)]})
    space = kf.items(met, dim=4, item_table=things, seed=0, threads=1)
    with pytest.raises(BadOption, match=r"at most 200 are compared. Name it tags:\| to cut values at \|"):
        exposure(space, "tags")


def test_of_many_groups_chance_is_named():
    rng = np.random.default_rng(3)
    met = pd.DataFrame({"user": np.repeat([f"u{at}" for at in range(60)], 10), "item": rng.integers(0, 60, 600)})
    met["item"] = np.where(rng.random(600) < 0.5, met["item"] % 6, met["item"])
    things = pd.DataFrame({"item": range(60), "kind": [f"kind{at // 6}" for at in range(60)]})
    space = kf.items(met.drop_duplicates(), dim=4, item_table=things, seed=0, threads=1)
    report = exposure(space, "kind", k=5)
    assert "of 10 groups, chance alone tells one in twenty" in report.notes[0]
