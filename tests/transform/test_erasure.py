import numpy as np
import pytest
from oracles.erasure import leace as by_formula
from worlds import leaning

from kinfold import Space
from kinfold.core.errors import BadData, BadOption, FrameMismatch, UnknownName
from kinfold.transform import INLP, LEACE


def crowd(count=600, dim=12, kinds=2, apart=1.5, seed=0):
    """Kinds that differ in their means, along directions in which rows vary by different amounts."""
    rng = np.random.default_rng(seed)
    kind = np.arange(count) % kinds
    rows = (
        rng.normal(size=(count, dim)) @ rng.normal(size=(dim, dim)) + apart * rng.normal(size=(kinds, dim))[kind] + 0.7
    )
    space = Space.of([f"u{i}" for i in range(count)], rows, group="user")
    return space.with_attribute("kind", [f"k{each}" for each in kind])


def means(space, name="kind"):
    labels = np.array(space.attribute(name).to_pylist())
    return np.stack([space.rows.dense()[labels == each].mean(axis=0, dtype=float) for each in np.unique(labels)])


@pytest.mark.parametrize("kinds", [2, 3, 5])
def test_leace_is_the_published_formula_and_makes_means_equal(kinds):
    space = crowd(kinds=kinds)
    fair = LEACE(attribute="kind").apply(space)
    labels = np.array(space.attribute("kind").to_pylist())
    np.testing.assert_allclose(fair.rows.dense(), by_formula(space.rows.dense(), labels), atol=1e-4)
    np.testing.assert_allclose(means(fair), np.tile(means(fair)[0], (kinds, 1)), atol=1e-5)
    assert np.ptp(means(space), axis=0).max() > 1
    assert fair.card.steps[-1]["rank"] == kinds - 1


def test_leace_changes_rows_less_than_any_other_map_that_makes_means_equal():
    space = crowd()
    x = space.rows.dense().astype(float)
    changed = np.sum((LEACE(attribute="kind").apply(space).rows.dense() - x) ** 2)
    apart = means(space)[0] - means(space)[1]
    rng = np.random.default_rng(1)
    fair = LEACE(attribute="kind").fit(space)
    near = np.linalg.svd(np.eye(12) - fair.matrix)[2][0]
    for trial in range(200):
        # (x - m)·b a / (b·a) is taken off, with the difference a of the means: orthogonal, by chance, nearly the same.
        b = apart if not trial else rng.normal(size=12) if trial % 2 else near + 0.1 * rng.normal(size=12)
        others = ((x - x.mean(axis=0)) @ b)[:, None] * apart / (b @ apart)
        np.testing.assert_allclose((apart - (apart @ b) * apart / (b @ apart)), 0, atol=1e-9)
        assert np.sum(others**2) >= changed * (1 - 1e-4)


def test_a_linear_probe_falls_to_chance_on_rows_that_were_held_out():
    from sklearn.linear_model import LogisticRegression

    space = crowd(count=4000, apart=0.5)
    train, held = np.arange(0, 2000), np.arange(2000, 4000)
    labels = np.array(space.attribute("kind").to_pylist())
    fair = LEACE(attribute="kind").fit(space.take(train)).apply(space)
    right = {}
    for name, each in (("before", space), ("after", fair)):
        rows = each.rows.dense()
        probe = LogisticRegression(max_iter=1000)
        right[name] = probe.fit(rows[train], labels[train]).score(rows[held], labels[held])
        # One that learns from rows that the erasure did not see gains next to nothing either.
        fresh = LogisticRegression(max_iter=1000).fit(rows[held[:1000]], labels[held[:1000]])
        right[name, "fresh"] = fresh.score(rows[held[1000:]], labels[held[1000:]])
    assert right["before"] > 0.75
    assert abs(right["after"] - 0.5) < 1.96 * 0.5 / np.sqrt(2000) + 0.005
    assert right["after", "fresh"] < 0.5 + 3 * 0.5 / np.sqrt(1000)


def test_few_labels_still_have_equal_means_while_all_rows_move_least():
    space = leaning(words=2000)
    words = {"up": [f"w{i}" for i in range(40)], "down": [f"w{i}" for i in range(40, 90)]}
    fair = LEACE(words=words).apply(space)
    np.testing.assert_allclose(
        fair.vectors(words["up"]).mean(axis=0), fair.vectors(words["down"]).mean(axis=0), atol=1e-5
    )
    assert fair.card.steps[-1]["kinds"] == [{"up": 40, "down": 50}]
    np.testing.assert_allclose(fair.rows.dense().mean(axis=0), space.rows.dense().mean(axis=0), atol=1e-5)


def test_an_attribute_and_lists_of_words_are_erased_together():
    space = leaning()
    words = {"even": [f"w{i}" for i in range(0, 400, 2)], "odd": [f"w{i}" for i in range(1, 400, 2)]}
    rows = space.rows.dense().copy()
    rows[20::2, 5] += 2
    space = Space.of(space.keys, rows, group="word", table=space.table)
    fair = LEACE(attribute="side", words=words).apply(space)
    side = np.array(space.attribute("side").to_pylist()[20:])
    now = fair.rows.dense()[20:]
    np.testing.assert_allclose(now[side == "she"].mean(axis=0), now[side == "he"].mean(axis=0), atol=1e-5)
    np.testing.assert_allclose(now[::2].mean(axis=0), now[1::2].mean(axis=0), atol=1e-5)
    assert fair.card.steps[-1]["rank"] == 2


def test_inlp_takes_out_a_direction_a_round_and_stops_when_none_tells():
    space = crowd(count=2000, dim=20, apart=0.4)
    one = INLP(attribute="kind", rounds=1).apply(space)
    assert np.linalg.matrix_rank(one.rows.dense(), tol=1e-3) == 19
    fair = INLP(attribute="kind").apply(space)
    step = fair.card.steps[-1]
    assert np.linalg.matrix_rank(fair.rows.dense(), tol=1e-3) == 20 - step["rank"]
    assert 1 <= step["rank"] == len(step["accuracies"]) - 1 < 19
    assert step["accuracies"][0] > 0.7 > 0.6 > step["accuracies"][-1]
    three = INLP(attribute="kind", rounds=1).apply(crowd(kinds=3)).card.steps[-1]
    assert three["rank"] == 2


def test_a_map_is_for_one_frame_and_moves_one_group():
    space, other = crowd(), crowd(seed=1)
    with pytest.raises(FrameMismatch, match="fit one for it"):
        LEACE(attribute="kind").fit(space).apply(other)
    items = Space.of([f"i{i}" for i in range(50)], other.rows.dense()[:50], group="item")
    both = Space(space.keys, space.rows, space.metric, items.card, space.table).beside(items)
    fair = LEACE(attribute="kind", group="user").apply(both)
    np.testing.assert_array_equal(fair.rows.dense()[600:], both.rows.dense()[600:])
    np.testing.assert_allclose(*means(fair.group("user")), atol=1e-5)


def test_biases_of_items_are_left_as_they_are():
    import dataclasses

    space = crowd()
    card = dataclasses.replace(space.card, data={"biases": 2})
    fair = LEACE(attribute="kind").apply(dataclasses.replace(space, card=card))
    np.testing.assert_array_equal(fair.rows.dense()[:, -2:], space.rows.dense()[:, -2:])
    np.testing.assert_allclose(means(fair)[0, :-2], means(fair)[1, :-2], atol=1e-5)


@pytest.mark.parametrize("kind", [LEACE, INLP])
def test_what_cannot_be_erased_is_refused(kind):
    space = crowd()
    with pytest.raises(BadOption, match="nothing says"):
        kind().apply(space)
    with pytest.raises(UnknownName, match="Did you mean 'kind'"):
        kind(attribute="kinds").apply(space)
    with pytest.raises(BadData, match="1 kind,"):
        kind(attribute="one").apply(space.with_attribute("one", ["x"] * 600))
    with pytest.raises(BadData, match="0 rows of 0 kinds"):
        kind(words={"a": ["x"], "b": ["y"]}).apply(space)
    with pytest.raises(BadData, match="merge kinds"):
        kind(attribute="many").apply(space.with_attribute("many", [f"m{i % 20}" for i in range(600)]))
    with pytest.raises(BadOption, match="tells no kinds"):
        kind(attribute="real").apply(space.with_attribute("real", np.linspace(0, 1, 600)))
    with pytest.raises(BadData):
        kind(words={"a": ["x"], "b": ["y"]}).apply(Space.of(["x", "y"], np.ones((2, 1))))


def test_a_word_of_two_lists_is_left_out():
    space = leaning()
    words = {"a": ["w0", "w1", "w2"], "b": ["w2", "w3", "nowhere"]}
    assert LEACE(words=words).apply(space).card.steps[-1]["kinds"] == [{"a": 2, "b": 1}]
