import sys

import numpy as np
import pytest

import kinfold as kf
from kinfold.core.errors import BadData, BadOption, MissingExtra
from kinfold.core.keys import Keys
from kinfold.core.shapes import Sequences
from kinfold.encode.foldin import FoldIn
from kinfold.learn.sasrec import SASRec, batches, pieces, together

torch = pytest.importorskip("torch", reason="torch is not installed; pip install 'kinfold[deep]'")

SMALL = {"dim": 16, "epochs": 12, "learning_rate": 0.01, "length": 6, "dropout": 0.1, "batch": 32}


def rings(rings=3, size=8, sequences=300, longest=9, seed=0):
    """Each sequence goes round a ring from anywhere: what comes next is certain, and what came first says nothing."""
    rng = np.random.default_rng(seed)
    lengths = rng.integers(2, longest + 1, sequences)
    ids = [
        rng.integers(0, rings) * size + (rng.integers(0, size) + np.arange(length)) % size
        for length in lengths.tolist()
    ]
    keys = Keys([f"r{ring}_{place}" for ring in range(rings) for place in range(size)], "item")
    return Sequences(keys, np.concatenate(ids).astype(np.int32), np.append(0, np.cumsum(lengths)).astype(np.int64))


@pytest.fixture(scope="module")
def space():
    return SASRec(**SMALL).fit(rings(), threads=1)


def test_it_tells_what_comes_next(space):
    histories = [[f"r{ring}_{(place + step) % 8}" for step in range(3)] for ring in range(3) for place in range(8)]
    states = FoldIn(space).encode(histories)
    assert states.keys.groups == {"user": range(24)}
    _, best = space.group("item").topk(states.rows.values, 1)
    wanted = [ring * 8 + (place + 3) % 8 for ring in range(3) for place in range(8)]
    assert np.mean(best[:, 0] == wanted) > 0.95


def test_order_counts_and_a_repeated_key_has_its_last_place(space):
    fold = FoldIn(space)
    one, two, three, four = fold.encode(
        [["r0_1", "r0_2"], ["r0_2", "r0_1"], {"r0_1": 7, "r0_2": 9}, ["r0_2", "r0_1", "r0_2"]]
    ).rows.values
    assert np.abs(one - two).max() > 0.1
    np.testing.assert_array_equal(one, three)
    np.testing.assert_array_equal(one, four)


def test_only_the_last_keys_of_a_long_history_are_read(space):
    long = [f"r{number % 3}_{number % 8}" for number in range(12)]
    one, two = FoldIn(space).encode([long, long[-6:]]).rows.values
    np.testing.assert_array_equal(one, two)


@pytest.mark.parametrize("options", [{}, {"heads": 1, "blocks": 1}, {"heads": 4, "blocks": 3, "wide": 2}])
def test_histories_have_the_states_that_torch_gives_them(options):
    from kinfold.core.layers import layout
    from kinfold.learn.attention import Network

    learner = SASRec(**{**SMALL, **options, "epochs": 2})
    space = learner.fit(rings(), threads=1)
    rng = np.random.default_rng(1)
    histories = [rng.permutation(24)[:length] for length in (1, 2, 4, 4, 6)]
    ours = FoldIn(space).encode([[space.keys[row] for row in each.tolist()] for each in histories]).rows.values
    rows = layout(16, learner.blocks, learner.length, learner.wide)
    parts = (space.group(name).rows.values.copy() for name in ("item", "layer"))
    network = Network(*parts, rows, learner.blocks, learner.heads, learner.dropout)
    lengths = np.array([len(each) for each in histories])
    ids, _ = together(np.concatenate(histories), np.cumsum(lengths) - lengths, np.cumsum(lengths))
    theirs = network.states(torch.from_numpy(ids)).detach().numpy()
    np.testing.assert_allclose(ours, theirs[np.arange(5), lengths - 1], atol=1e-4)


def test_drawn_negatives_teach_the_same_as_all_keys(space):
    drawn = SASRec(**{**SMALL, "negatives": 8}).fit(rings(), threads=1)
    histories = [[f"r{ring}_{place}" for place in range(2)] for ring in range(3)]
    for each in (space, drawn):
        _, best = each.group("item").topk(FoldIn(each).encode(histories).rows.values, 1)
        assert best[:, 0].tolist() == [2, 10, 18]


def test_the_same_seed_gives_the_same_bytes_and_torch_is_left_as_it_was():
    torch.manual_seed(4)
    before, threads = torch.get_rng_state(), torch.get_num_threads()
    learner = SASRec(**{**SMALL, "epochs": 2, "negatives": 8})
    one, two = (learner.fit(rings(), seed=2, threads=2) for _ in range(2))
    assert one.rows.values.tobytes() == two.rows.values.tobytes()
    assert torch.equal(torch.get_rng_state(), before)
    assert torch.get_num_threads() == threads


def test_each_epoch_is_told(space):
    losses = []
    made = SASRec(**{**SMALL, "epochs": 3}).fit(rings(), threads=1, callback=lambda each: losses.append(each.loss))
    assert [row[1] for row in made.card.reports[0].tables[0].rows] == losses
    assert losses[2] < losses[0]
    assert space.groups["layer"].stop == len(space)
    assert space.group("layer").keys[0] == "block0.before.scale.0"
    assert "block1.query.15" in space.group("layer")
    assert space.group("layer").attribute("count").null_count == len(space.group("layer"))


def test_every_key_but_the_first_comes_next_once():
    starts = np.array([0, 1, 1, 3, 10, 14], np.int64)
    begins, ends = pieces(starts, 4)
    assert ((ends - begins >= 2) & (ends - begins <= 4)).all()
    next_ones = np.sort(np.concatenate([np.arange(a + 1, b) for a, b in zip(begins, ends, strict=True)]))
    assert next_ones.tolist() == [2, 4, 5, 6, 7, 8, 9, 11, 12, 13]


def test_a_batch_holds_what_is_about_as_long():
    lengths = np.random.default_rng(0).integers(2, 30, 200)
    found = list(batches(lengths, 16, np.random.default_rng(1)))
    assert sorted(np.concatenate(found).tolist()) == list(range(200))
    assert np.mean([np.ptp(lengths[each]) for each in found]) < 4


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"heads": 3}, "multiple of heads"),
        ({"dropout": 0.95}, "dropout"),
        ({"blocks": 0}, "blocks"),
        ({"learning_rate": -1.0}, "learning_rate"),
        ({"negatives": 0}, "negatives"),
    ],
)
def test_options_out_of_range_are_refused(options, said):
    with pytest.raises(BadOption, match=said):
        SASRec(**options)


def test_what_cannot_be_learned_or_encoded_is_said(space):
    keys = Keys(["a", "b"], "item")
    with pytest.raises(BadData, match="two keys"):
        SASRec(**SMALL).fit(Sequences(keys, np.array([0, 1], np.int32), np.array([0, 1, 2], np.int64)))
    layers = Sequences(Keys(["a", "b"], "layer"), np.array([0, 1], np.int32), np.array([0, 2], np.int64))
    with pytest.raises(BadData, match="layer"):
        SASRec(**SMALL).fit(layers)
    with pytest.raises(BadOption, match="in order"):
        FoldIn(space, side="item")
    with pytest.raises(BadData, match="lost"):
        FoldIn(space.group("item")).encode([["r0_1"]])
    with pytest.raises(BadData, match="history 0"):
        FoldIn(space).encode(["r0_1"])


def test_a_loss_that_is_no_number_ends_the_fit(monkeypatch):
    from kinfold.learn.attention import Network

    monkeypatch.setattr(Network, "loss", lambda self, states, *_: (states * np.nan).sum())
    with pytest.raises(BadOption, match="epoch 1; take a smaller learning_rate"):
        SASRec(**SMALL).fit(rings(), threads=1)


def test_without_torch_the_way_out_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(MissingExtra, match=r"kinfold\[deep\]"):
        SASRec(**SMALL).fit(rings())


def test_what_is_learned_needs_no_torch_to_be_used(space, tmp_path, monkeypatch):
    space.save(tmp_path / "next.arrow")
    monkeypatch.setitem(sys.modules, "torch", None)
    again = kf.encoder(tmp_path / "next.arrow")
    assert again.things == "histories"
    np.testing.assert_array_equal(again.encode([["r0_1"]]).rows.values, FoldIn(space).encode([["r0_1"]]).rows.values)
