"""Every transform of the catalogue, by the same rules. A new one gets a line in CASES."""

import dataclasses
import functools
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import pytest
import worlds

from kinfold import Space
from kinfold.transform import TRANSFORMS

NAMES = [entry.name for entry in TRANSFORMS]
KEPT, BORN, INTO = "kept", "born", "into"


class Case(NamedTuple):
    """A world and what the transform finds in it.

    Args:
        transform: Ready to be applied.
        space: To this.
        frame: What becomes of the frame: KEPT, BORN (a new one), or INTO (that of the field `to`).
        finds: Whether what was planted is found, told from the Space before and after.
    """

    transform: Any
    space: Space
    frame: str
    finds: Callable[[Space, Space], bool]


def align(kind: Any) -> Case:
    here, there = worlds.accents()
    seeds = [(f"a{i}", f"b{i}") for i in range(0, 240, 4)]
    return Case(kind(to=there, dictionary=seeds), here, INTO, lambda _, after: worlds.partners(after, there) > 0.95)


def retrofit(kind: Any) -> Case:
    here, _ = worlds.accents()
    pairs = [(f"a{i}", f"a{i + 120}") for i in range(60)]
    asked = [f"a{i}" for i in range(60)]

    def finds(before: Space, after: Space) -> bool:
        near = [
            np.mean([f"a{int(hits.query[1:]) + 120}" in hits.keys for hits in space.nearest_many(asked, 3)])
            for space in (before, after)
        ]
        return bool(near[0] < 0.1 and near[1] > 0.5)

    return Case(kind(pairs=pairs), here, BORN, finds)


def clusters(kind: Any) -> Case:
    space = worlds.crowds()

    def finds(_: Space, after: Space) -> bool:
        pairs = set(zip(after.attribute("kind").to_pylist(), after.attribute("cluster").to_pylist(), strict=True))
        return len(pairs) == 5

    return Case(kind(k=5), space, KEPT, finds)


def restrict(kind: Any) -> Case:
    here, _ = worlds.accents()
    return Case(kind(top=50), here, KEPT, lambda _, after: list(after.keys) == [f"a{i}" for i in range(50)])


def compress(kind: Any) -> Case:
    def finds(before: Space, after: Space) -> bool:
        return bool(np.abs(before.rows.dense() - after.rows.dense()).max() < 0.3)

    return Case(kind(width=2), worlds.crowds(), KEPT, finds)


def autoencoder(kind: Any) -> Case:
    def finds(before: Space, after: Space) -> bool:
        # The rows at which a feature is strongest are of one kind, and every kind has a feature.
        kinds = [{key.split("_")[0] for key in keys} for keys in after.attribute("top").to_pylist()]
        return all(len(each) == 1 for each in kinds) and len(set.union(*kinds)) == 5

    # Row i is longer than row i - 5 of its kind, by more than half precision leaves out: so their order is sure.
    kinds = np.arange(200) % 5
    rows = np.eye(8)[kinds] * np.linspace(1, 3, 200)[:, None]
    space = Space.of([f"k{kind}_{n}" for n, kind in enumerate(kinds)], rows, metric="l2")
    return Case(kind(k=5, active=1), space, KEPT, finds)


def along(space: Space) -> float:
    """How far words that lean lie along the direction from the words `he<i>` to the words `she<i>`."""
    here, there = (space.vectors([f"{side}{i}" for i in range(10)]).mean(axis=0) for side in ("she", "he"))
    leans = np.array(space.attribute("leans").to_pylist()[20:])
    rows = space.vectors([f"w{i}" for i in range(400)])
    return float(abs(np.polyfit(leans, rows @ (here - there) / np.linalg.norm(here - there), 1)[0]))


def fair(kind: Any, **options: Any) -> Case:
    """A direction that pairs span is taken out of the other words."""
    space = worlds.leaning()
    return Case(kind(**options), space, BORN, lambda before, after: along(after) < 0.5 * along(before))


def of_pairs(kind: Any, **options: Any) -> Case:
    return fair(kind, pairs=worlds.PAIRS, specific=worlds.MEANT, **options)


def erased(kind: Any, **options: Any) -> Case:
    """The means of the kinds of an attribute become one."""

    def apart(space: Space) -> float:
        side = np.array(space.attribute("side").to_pylist()[20:])
        rows = space.rows.dense()[20:]
        return float(np.linalg.norm(rows[side == "she"].mean(axis=0) - rows[side == "he"].mean(axis=0)))

    space = worlds.leaning()
    return Case(
        kind(attribute="side", **options), space, BORN, lambda before, after: apart(after) < 0.15 * apart(before)
    )


CASES: dict[str, Callable[[Any], Case]] = {
    "align": align,
    "autoencoder": autoencoder,
    "clusters": clusters,
    "compress": compress,
    "double-hard-debias": functools.partial(of_pairs, candidates=3, biased=40),
    "half-sibling": functools.partial(fair, specific=worlds.MEANT, regularization=0.2),
    "hard-debias": of_pairs,
    "inlp": erased,
    "leace": erased,
    "repulsion-attraction": of_pairs,
    "restrict": restrict,
    "retrofit": retrofit,
}


@functools.cache
def case(name: str) -> Case:
    return CASES[name](TRANSFORMS[name])


@functools.cache
def after(name: str) -> Space:
    return case(name).transform.apply(case(name).space)


@pytest.mark.parametrize("name", NAMES)
class TestEveryTransform:
    def test_it_finds_what_was_planted(self, name):
        assert case(name).finds(case(name).space, after(name))

    def test_the_input_is_left_untouched(self, name):
        space = case(name).space
        rows, card, table = space.rows.values.tobytes(), space.card.to_json(), space.table
        case(name).transform.apply(space)
        assert space.rows.values.tobytes() == rows
        assert space.card.to_json() == card
        assert space.table == table

    def test_it_does_the_same_again(self, name):
        again = case(name).transform.apply(case(name).space)
        assert again.rows.dense().tobytes() == after(name).rows.dense().tobytes()
        assert again.card.to_json() == after(name).card.to_json()

    def test_rows_are_finite_float32_one_a_key(self, name):
        space = after(name)
        assert space.rows.dense().dtype == np.float32
        assert np.isfinite(space.rows.dense()).all()
        assert len(space.rows) == len(space.keys)
        np.testing.assert_allclose(space.rows.norms, np.linalg.norm(space.rows.dense(), axis=1), rtol=1e-5)

    def test_the_card_says_what_was_done(self, name):
        before, card = case(name).space.card, after(name).card
        assert [*card.steps[:-1]] == [*before.steps]
        assert card.steps[-1]["step"] == name
        assert card.method == before.method
        assert card.data == before.data

    def test_the_frame_is_what_its_kind_says(self, name):
        before, frame = case(name).space.frame, after(name).frame
        if case(name).frame == KEPT:
            assert frame == before
        elif case(name).frame == INTO:
            case(name).transform.to.same_frame(after(name))
        else:
            assert frame not in (before, "")

    def test_saved_and_opened_it_is_equal(self, name, tmp_path):
        space = after(name)
        space.save(tmp_path / "space.arrow")
        again = Space.open(tmp_path / "space.arrow")
        np.testing.assert_array_equal(again.rows.dense(), space.rows.dense())
        assert again.keys == space.keys
        assert again.card.to_json() == space.card.to_json()
        assert again.table == space.table
        assert again.metric == space.metric

    def test_half_precision_is_read_as_well(self, name):
        space = case(name).space
        half = Space.of(space.keys, space.rows.values.astype(np.float16), metric=space.metric, table=space.table)
        moved = case(name).transform.apply(half)
        assert list(moved.keys) == list(after(name).keys)
        scale = np.abs(after(name).rows.dense()).max()
        np.testing.assert_allclose(moved.rows.dense(), after(name).rows.dense(), atol=0.02 * scale)

    def test_every_field_is_documented(self, name):
        kind = TRANSFORMS[name]
        for field in dataclasses.fields(kind):
            assert f"    {field.name}: " in kind.__doc__
        assert "Source:" in kind.__doc__
        assert "Example:" in kind.__doc__
        with pytest.raises(dataclasses.FrozenInstanceError):
            setattr(case(name).transform, dataclasses.fields(kind)[0].name, None)
