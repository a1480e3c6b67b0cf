import numpy as np
import pytest

from kinfold import Space, measure
from kinfold.core.errors import BadData, BadOption, UnknownKey

SEEDS = 6


def world(rng, dim=30, seeds=SEEDS, spread=0.25, placed=8, metric="cosine"):
    """Two poles of seeds around +u and -u on top of what all words have, and keys at known places."""
    axis = np.zeros(dim)
    axis[0] = 1
    common = np.zeros(dim)
    common[1] = 1
    names, rows = [], []
    for pole, sign in (("low", -1), ("high", 1)):
        for n in range(seeds):
            names.append(f"{pole}{n}")
            rows.append(common + sign * axis + spread / np.sqrt(dim) * 5 * rng.normal(size=dim))
    for n in range(placed):
        names.append(f"key{n}")
        rows.append(rng.normal(size=dim) + (n / 2 - 2) * axis)
    return Space.of(names, np.array(rows), metric=metric), np.array(rows)


def poles(seeds=SEEDS):
    return tuple([f"{pole}{n}" for n in range(seeds)] for pole in ("low", "high"))


def unit(rows):
    return rows / np.linalg.norm(rows, axis=-1, keepdims=True)


def true_axis(dim=30, spread=0.25, metric="cosine"):
    """What the poles come to with seeds without end."""
    rng = np.random.default_rng(99)
    means = []
    for sign in (-1, 1):
        rows = 5 * spread / np.sqrt(dim) * rng.normal(size=(200_000, dim))
        rows[:, 0] += sign
        rows[:, 1] += 1
        means.append((rows if metric == "l2" else unit(rows)).mean(axis=0))
    return means


def test_places_are_semaxis_by_hand():
    space, rows = world(np.random.default_rng(0))
    report = measure.axes(space, poles(), [f"key{n}" for n in range(8)], neighbors=0)
    axis = unit(rows[SEEDS : 2 * SEEDS]).mean(axis=0) - unit(rows[:SEEDS]).mean(axis=0)
    for n in range(8):
        found = report[f"key{n}"]
        assert found.value == pytest.approx(float(unit(rows[2 * SEEDS + n]) @ unit(axis)), abs=1e-5)
        assert found.low < found.value < found.high
    # Held-out seeds, one by one.
    right = 0
    for at in range(2 * SEEDS):
        kept = [np.delete(unit(rows[:SEEDS]), at, axis=0) if at < SEEDS else unit(rows[:SEEDS])]
        high = unit(rows[SEEDS : 2 * SEEDS])
        kept.append(np.delete(high, at - SEEDS, axis=0) if at >= SEEDS else high)
        low, high = (each.mean(axis=0) for each in kept)
        side = (unit(rows[at]) - (low + high) / 2) @ (high - low)
        right += (side > 0) == (at >= SEEDS)
    assert report["held out"].value == pytest.approx(right / (2 * SEEDS))
    assert report["held out"].n == 2 * SEEDS


@pytest.mark.parametrize("metric", ["cosine", "l2"])
def test_intervals_hold_the_place_on_the_true_axis_as_often_as_they_say(metric):
    low, high = true_axis(metric=metric)
    held = []
    for seed in range(400):
        space, rows = world(np.random.default_rng(seed), placed=3, metric=metric)
        report = measure.axes(space, poles(), ["key0", "key1", "key2"], neighbors=0)
        for n in range(3):
            row = rows[2 * SEEDS + n]
            true = unit(row - (low + high) / 2 if metric == "l2" else row) @ unit(high - low)
            found = report[f"key{n}"]
            held.append(found.low <= true <= found.high)
    assert 0.93 < np.mean(held) < 0.97


def test_random_poles_are_no_axis():
    rng = np.random.default_rng(3)
    space = Space.of([f"w{n}" for n in range(400)], rng.normal(size=(400, 30)))
    right = reliable = 0.0
    for draw in range(20):
        some = rng.permutation(400)[:12]
        words = [f"w{n}" for n in some]
        report = measure.axes(space, (words[:6], words[6:]), ["w0"], neighbors=0, seed=draw)
        right += report["held out"].value / 20
        reliable += report["reliability"].value / 20
    assert right < 0.6
    assert reliable < 0.3
    assert any("no axis to rely on" in note for note in report.notes)


def test_a_single_pair_rests_on_its_neighbors_and_says_so():
    rng = np.random.default_rng(0)
    kind = np.arange(60) % 2
    rows = 3 * np.eye(8)[kind] + 0.3 * rng.normal(size=(60, 8))
    space = Space.of([f"{'ab'[k]}{n}" for n, k in enumerate(kind)], rows)
    report = measure.axes(space, "a0:b1", ["a2", "b3"], neighbors=5)
    assert report["a2"].high < -0.6
    assert report["b3"].low > 0.5
    assert report["held out"].value == 1
    assert report["held out"].n == 12
    assert sum("is a single seed" in note for note in report.notes) == 2
    alone = measure.axes(space, "a0:b1", ["a2"], neighbors=0)
    assert alone["a2"].low is None
    assert any("no interval" in note for note in alone.notes)
    assert "held out" not in [each.name for each in alone.findings]


def test_poles_are_values_of_attributes_and_lists_of_them():
    rng = np.random.default_rng(0)
    kind = np.arange(3000) % 3
    rows = 2 * np.eye(6)[kind] + 0.5 * rng.normal(size=(3000, 6))
    names = np.array(["Comedy", "Horror", "War"])
    space = (
        Space.of([f"m{n}" for n in range(3000)], rows, group="item")
        .with_attribute("genre", names[kind])
        .with_attribute("tags", [f"{names[k]}|Old" for k in kind])
        .with_attribute("title", [f"Film {n}" for n in range(3000)])
    )
    one = measure.axes(space, "genre=Comedy:genre=Horror", ["m0", "m1", "m2"])
    by_hand = unit(rows[kind == 1]).mean(axis=0) - unit(rows[kind == 0]).mean(axis=0)
    for n in range(3):
        assert one[f"m{n}"].value == pytest.approx(float(unit(rows[n]) @ unit(by_hand)), abs=1e-5)
    assert one["held out"].low > 0.9
    same = measure.axes(space, "tags:|=Comedy:tags:|=Horror", ["m0"])
    assert same["m0"].value == pytest.approx(one["m0"].value, abs=1e-9)
    ends = measure.axes(space, "genre=Comedy:genre=Horror", k=2, show="title")
    assert [each.name[:5] for each in ends.findings[2:]] == ["Film "] * 4
    assert kind[int(ends.findings[2].name[5:])] == 0
    assert kind[int(ends.findings[-1].name[5:])] == 1
    assert 0 <= ends.tables[0].rows[0][1] < ends.tables[0].rows[-1][1] <= 1


def test_several_axes_missing_keys_and_keys_with_colons():
    rows = np.random.default_rng(0).normal(size=(6, 4))
    space = Space.of(["a:b", "c", "d,e", "f", "g", "h"], rows, group="word")
    report = measure.axes(space, ["a:b:c", "d,e:word:f"], ["G", "h", "zzz"], neighbors=0)
    assert {each.group for each in report.findings} == {"a:b:c", "d,e:word:f"}
    assert report.tables[-1].rows == [["zzz", 2]]
    assert report.tables[0].columns == ("key", "a:b:c", "d,e:word:f")
    assert {row[0] for row in report.tables[0].rows} == {"g", "h"}


def test_what_is_no_axis_is_refused():
    space = Space.of(["a", "b", "c", "o"], [[1, 0], [0, 1], [1, 0], [0, 0]]).with_attribute("kind", list("xxyy"))
    for poles, error, says in (
        ("a", BadOption, "put a colon"),
        ("a:q", UnknownKey, "no row is named 'q'"),
        ("a:kind=z", BadData, "no row has kind=z"),
        ("a:a", BadData, "the same rows"),
        ("a:c", BadData, "the same mean"),
        (([], ["a"]), BadData, "at least one key"),
        ([], BadOption, "two poles"),
    ):
        with pytest.raises(error, match=says):
            measure.axes(space, poles, neighbors=0)
    with pytest.raises(UnknownKey, match="none of the 1 keys"):
        measure.axes(space, "a:b", ["q"], neighbors=0)
    with pytest.raises(BadOption, match="neighbors is -1"):
        measure.axes(space, "a:b", neighbors=-1)
    assert measure.axes(space, "a:b", ["o"], neighbors=0)["o"].value == 0
