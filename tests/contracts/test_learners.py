"""Every learner of the catalogue, by the same rules."""

import dataclasses

import numpy as np
import pytest
from worlds import block_counts, blocks, labeled_blocks, same_block

from kinfold import Space
from kinfold.core.errors import ShapeMismatch
from kinfold.core.keys import Keys
from kinfold.core.shapes import Counts, Labeled, Sequences
from kinfold.learn import LEARNERS

WORLDS = {Sequences: blocks, Counts: block_counts, Labeled: labeled_blocks}
NAMES = [entry.name for entry in LEARNERS]
# Documents of eight words out of twelve are learned by heart in 40 epochs, and then their words say little.
OWN = {
    "doc2vec": {"epochs": 10},
    "sasrec": {"epochs": 3, "learning_rate": 0.01, "batch": 64, "blocks": 1, "length": 8, "dropout": 0.0},
}
# What is not installed is told by its name.
LIBRARIES = {"sasrec": "torch"}


def small(name, **options):
    """The learner at a size that fits in a moment, and its world, which is too small for words to be thinned out."""
    if name in LIBRARIES:
        pytest.importorskip(LIBRARIES[name], reason="not installed; pip install 'kinfold[deep]'")
    kind = LEARNERS[name]
    fields = {field.name for field in dataclasses.fields(kind)}
    given = {"dim": 12, "subsample": 0, **OWN.get(name, {}), **options}
    return kind(**{name: value for name, value in given.items() if name in fields}), WORLDS[kind.takes]()


def keyed(space):
    """The rows of the keys of the data, without what the method keeps beside them."""
    return space.group("word") if len(space.groups) > 1 else space


def keys_of(data):
    """The names of what gets a row; a text that has labels ends with a word of its own."""
    if isinstance(data, Labeled):
        return [*data.texts.keys, "</s>"]
    return list(data.keys if isinstance(data, Sequences) else data.row_keys)


def arrays_of(data):
    if isinstance(data, Labeled):
        return [*arrays_of(data.texts), *arrays_of(data.labels)]
    return [data.ids, data.starts] if isinstance(data, Sequences) else [data.values.data, data.values.indices]


def renamed(data):
    """The same data with other names."""
    if isinstance(data, Labeled):
        return dataclasses.replace(data, texts=renamed(data.texts))
    names = ("keys",) if isinstance(data, Sequences) else ("row_keys", "column_keys")
    other = Keys([f"x{number}" for number in range(len(keys_of(data)))], "word")
    return dataclasses.replace(data, **dict.fromkeys(names, other))


@pytest.mark.parametrize("name", NAMES)
class TestEveryLearner:
    def test_the_same_seed_gives_the_same_bytes_on_one_thread(self, name):
        learner, data = small(name)
        one, two = (learner.fit(data, seed=3, threads=1) for _ in range(2))
        assert one.rows.values.tobytes() == two.rows.values.tobytes()
        assert one.frame == two.frame

    def test_two_seeds_are_two_frames_or_the_same_rows(self, name):
        learner, data = small(name)
        one, two = (learner.fit(data, seed=seed, threads=1) for seed in (3, 4))
        assert (one.frame == two.frame) == np.array_equal(one.rows.values, two.rows.values)

    def test_it_finds_what_was_planted(self, name):
        learner, data = small(name)
        assert same_block(keyed(learner.fit(data, threads=2))) > 0.95

    def test_rows_are_finite_float32_one_a_key(self, name):
        learner, data = small(name)
        space = learner.fit(data, threads=1)
        assert space.rows.dtype == np.float32
        assert np.isfinite(space.rows.values).all()
        assert sorted(keyed(space).keys) == sorted(keys_of(data))
        assert space.dim == getattr(learner, "dim", len(keys_of(data)))

    def test_the_input_is_left_untouched(self, name):
        learner, data = small(name)
        arrays = arrays_of(data)
        before = [array.tobytes() for array in arrays]
        learner.fit(data, threads=1)
        assert [array.tobytes() for array in arrays] == before

    def test_names_do_not_matter(self, name):
        learner, data = small(name, max_n=0)  # but for the letters that they share
        one, two = (learner.fit(each, threads=1) for each in (data, renamed(data)))
        np.testing.assert_array_equal(one.rows.values, two.rows.values)

    def test_saved_and_opened_it_is_equal(self, name, tmp_path):
        learner, data = small(name)
        space = learner.fit(data, threads=1)
        space.save(tmp_path / "space.arrow")
        again = Space.open(tmp_path / "space.arrow")
        np.testing.assert_array_equal(again.rows.values, space.rows.values)
        assert again.keys == space.keys
        assert again.card.to_json() == space.card.to_json()
        assert again.table == space.table

    def test_the_card_is_enough_to_redo_the_work(self, name):
        learner, data = small(name)
        space = learner.fit(data, seed=5, threads=1)
        again = LEARNERS[space.card.method](**space.card.parameters).fit(data, seed=space.card.seed, threads=1)
        np.testing.assert_array_equal(again.rows.values, space.rows.values)

    def test_another_shape_is_refused_by_name(self, name):
        learner, data = small(name)
        wrong = block_counts() if isinstance(data, Sequences) else blocks()
        with pytest.raises(ShapeMismatch, match=type(wrong).__name__):
            learner.fit(wrong)

    def test_every_field_is_documented(self, name):
        kind = LEARNERS[name]
        for field in dataclasses.fields(kind):
            assert f"    {field.name}: " in kind.__doc__
        assert "Source:" in kind.__doc__
