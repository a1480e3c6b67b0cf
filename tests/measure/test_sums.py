import dataclasses

import numpy as np
import pytest
from peers import peer

import kinfold as kf
from kinfold import Space, measure
from kinfold.core.errors import BadData, BadOption, FrameMismatch, UnknownKey
from kinfold.core.shapes import Items
from kinfold.transform import SparseAutoencoder


def sums_of(report):
    """What each table comes to: all of them are the score."""
    return {table.title: sum(row[table.columns.index("part")] for row in table.rows) for table in report.tables}


@pytest.mark.parametrize("metric", ["cosine", "dot", "l2"])
def test_dimensions_add_up_to_the_score(metric):
    rows = np.random.default_rng(0).normal(size=(30, 12))
    space = Space.of([f"k{n}" for n in range(30)], rows, metric=metric)
    report = measure.decomposition(space, "k0", "k1", k=4)
    score = space.similarity("k0", "k1")
    assert report["score"].value == pytest.approx(score, abs=1e-5)
    assert sums_of(report)["Dimensions"] == pytest.approx(score, abs=1e-5)
    a, b = rows[:2] if metric != "cosine" else rows[:2] / np.linalg.norm(rows[:2], axis=1, keepdims=True)
    terms = -((a - b) ** 2) / np.linalg.norm(a - b) if metric == "l2" else a * b
    for name, *_, part, _ in report.tables[0].rows[:4]:
        assert part == pytest.approx(terms[int(name)], abs=1e-5)
    assert abs(report.tables[0].rows[0][3]) == pytest.approx(np.abs(terms).max(), abs=1e-5)
    # The keys beside a dimension are at that end of it.
    at = int(report.tables[0].rows[0][0])
    ends = report.tables[0].rows[0][4].split(", ")
    scaled = rows / np.linalg.norm(rows, axis=1, keepdims=True) if metric == "cosine" else rows
    assert int(ends[0][1:]) in (scaled[:, at].argmax(), scaled[:, at].argmin())


@pytest.fixture(scope="module")
def fasttext():
    texts = ["the sailor sails the sea", "a farmer ploughs the field", "sailors sail at sea", "farmers plough"] * 40
    return kf.words(texts, method="fasttext", dim=8, min_count=1, threads=1, buckets=500, epochs=3, seed=1)


def test_words_of_fasttext_are_told_by_their_ngrams_seen_or_not(fasttext):
    report = measure.decomposition(fasttext, "sailor", "sailors", k=1000)
    score = fasttext.similarity("sailor", "sailors")
    for total in sums_of(report).values():
        assert total == pytest.approx(score, abs=1e-4)
    parts = [row[0] for row in report.tables[1].rows]
    assert parts.count("sailor") >= 1
    assert {"<sa", "lor>"} <= set(parts)
    unseen = measure.decomposition(fasttext, "sailorly", "sailor", k=5)
    row = kf.encoder(fasttext).encode(["sailorly"])["sailorly"]
    assert unseen["score"].value == pytest.approx(fasttext.similarity(row, "sailor"), abs=1e-4)
    assert sums_of(unseen)["Pairs of parts"] == pytest.approx(unseen["score"].value, abs=1e-9)
    with pytest.raises(UnknownKey):
        measure.decomposition(Space.of(["a"], [[1.0]]), "a", "b")


def test_terms_of_every_encoder_add_up_to_what_it_gives(fasttext):
    texts = ["sailor at sea", "the field"]
    pooled = kf.documents(["the sea at sea", "a field", "the sea"], method="sif", words=fasttext, threads=1)
    labeled = kf.tasks.classify.train(
        ["red rose", "green grass", "a red rose", "the grass"] * 30,
        ["r", "g", "r", "g"] * 30,
        epochs=2,
        dim=6,
        word_ngrams=2,
        min_n=2,
        max_n=3,
        buckets=200,
        threads=1,
    ).space
    for made_by, thing in (
        (kf.encode.encoder(fasttext), "sailor"),
        (kf.encode.encoder(fasttext), "unheard"),
        (kf.encode.encoder(fasttext, "pooled"), texts[0]),
        (kf.encode.encoder(pooled), "the sea sails a field"),
        (kf.encode.encoder(labeled, "bag"), "a rose of red grass unheard"),
    ):
        terms = made_by.terms(thing)
        assert len(terms.names) == len(terms.rows)
        row = made_by.encode(Items([thing])).rows.take(0)
        np.testing.assert_allclose(terms.rows.sum(axis=0), row, atol=1e-5)
    assert "red rose" in kf.encode.encoder(labeled, "bag").terms("a red rose").names


def test_texts_by_a_classifier_and_by_plain_means(fasttext):
    report = measure.decomposition(fasttext, "farmer", texts=["sailors at sea"])
    assert sums_of(report)["Pairs of parts"] == pytest.approx(report["score"].value, abs=1e-9)
    assert {row[0] for row in report.tables[2].rows} >= {"sailors", "at", "sea"}
    assert any("plain means" in note for note in report.notes)
    with pytest.raises(BadData, match="none of the 1 texts"):
        measure.decomposition(fasttext, "farmer", texts=["zzz"])


@pytest.mark.parametrize("pooling", ["mean", "cls", "max", "weightedmean", "mean_sqrt_len_tokens", "mean+max"])
def test_tokens_of_a_transformer_add_up(pooling, tmp_path):
    peer("torch"), peer("transformers"), peer("tokenizers")
    from models import tiny

    from kinfold.encode.transformer import Transformer

    made_by = Transformer(tiny(tmp_path / "model"), precision="float32", pooling=pooling)
    text = "the ship and a red barn is green"
    terms = made_by.terms(text)
    assert terms.names[0] == "[CLS]"
    np.testing.assert_allclose(terms.rows.sum(axis=0), made_by.vectors([text])[0], atol=1e-4)
    report = measure.decomposition(made_by, texts=[text, "a green wave"], k=3)
    both = made_by.encode([text, "a green wave"])
    assert report["score"].value == pytest.approx(both.similarity("0", "1"), abs=1e-4)
    for total in sums_of(report).values():
        assert total == pytest.approx(report["score"].value, abs=1e-6)
    assert "largest there" not in report.tables[-1].columns
    kept = both.with_attribute("text", [text, "a green wave"])
    assert measure.decomposition(kept, "0", "1").tables[0].title == "Pairs of parts"
    other = kept.with_attribute("text", ["something else", "a green wave"])
    assert any("dimensions alone" in note for note in measure.decomposition(other, "0", "1").notes) or pooling == "cls"


def test_tokens_of_windows_and_of_a_prompt_add_up(tmp_path):
    peer("torch"), peer("transformers"), peer("tokenizers")
    from models import tiny

    from kinfold.encode.transformer import Transformer

    folder = tiny(tmp_path / "model")
    for options in ({"long": "windows", "max_length": 12}, {"prompt": "the red "}, {"truncate_dim": 8}):
        made_by = Transformer(folder, precision="float32", **options)
        text = "a ship and a wave and a barn and the sea is green and the hay is red"
        terms = made_by.terms(text)
        np.testing.assert_allclose(terms.rows.sum(axis=0), made_by.vectors([text])[0], atol=1e-4)


def test_layers_behind_the_pooling_are_part_of_the_sum_where_they_are_linear(tmp_path):
    from kinfold.encode import states
    from kinfold.io.checkpoint import Checkpoint, Dense

    rng = np.random.default_rng(0)
    found = rng.normal(size=(7, 6)).astype(np.float32)
    starts = np.array([0, 7])
    layer = Dense(rng.normal(size=(4, 6)).astype(np.float32), rng.normal(size=4).astype(np.float32), "Identity")
    for after in ((layer,), (layer, "normalize"), ("normalize", layer), ()):
        checkpoint = Checkpoint(tmp_path, tmp_path, {}, ("mean",), after)
        rows, constant = states.terms(found, checkpoint, 2, 4)
        whole = states.pooled(found, starts, checkpoint, 2)[0][:4]
        np.testing.assert_allclose(rows.sum(axis=0) + constant, whole, atol=1e-5)
        assert not rows[:2].any()
    bent = Checkpoint(tmp_path, tmp_path, {}, ("mean",), (Dense(layer.weight, None, "Tanh"),))
    with pytest.raises(BadData, match="no sums over tokens"):
        states.terms(found, bent, 0, 4)


def test_features_tell_why_two_rows_are_near():
    rng = np.random.default_rng(0)
    kind = np.arange(200) % 4
    rows = 3 * np.eye(8)[kind] + 0.2 * rng.normal(size=(200, 8))
    space = Space.of([f"k{k}_{n}" for n, k in enumerate(kind)], rows)
    both = space.beside(found := SparseAutoencoder(k=4, active=1).apply(space))
    both = dataclasses.replace(both, card=found.card)
    report = measure.decomposition(both, "k1_1", "k1_5", k=2)
    score = space.similarity("k1_1", "k1_5")
    for total in sums_of(report).values():
        assert total == pytest.approx(score, abs=1e-4)
    first = report.tables[0].rows[0]
    assert first[0] == first[1]
    assert first[0].startswith("k1_")


def test_two_items_are_compared_without_their_biases():
    rows = np.random.default_rng(0).normal(size=(6, 4))
    space = Space.of(["a", "b", "c", "d", "e", "f"], rows, metric="dot", group="item")
    card = dataclasses.replace(space.card, data={"interactions": 9, "biases": 1})
    space = dataclasses.replace(space, card=card)
    report = measure.decomposition(space, "a", "b")
    assert report["score"].value == pytest.approx(space.similarity("a", "b"), abs=1e-6)
    assert len(report.tables[0].rows) == 3


def test_what_is_no_pair_is_refused(fasttext):
    space = Space.of(["a", "b", "o"], [[1, 0], [0, 1], [0, 0]])
    for keys, texts in ((("a",), ()), (("a", "b"), ("a text",)), ((), ("one",))):
        with pytest.raises(BadOption, match="of two things"):
            measure.decomposition(space, *keys, texts=texts)
    with pytest.raises(BadOption, match="k is 0"):
        measure.decomposition(space, "a", "b", k=0)
    assert measure.decomposition(space, "a", "o")["score"].value == 0
    assert measure.decomposition(space, "a", "a")["score"].value == pytest.approx(1)
    place = Space.of(["a", "b"], [[1, 0], [1, 0]], metric="l2")
    assert measure.decomposition(place, "a", "b")["score"].value == 0
    with pytest.raises(FrameMismatch):
        measure.decomposition(space, "a", texts=["sea"], encoder=kf.encode.encoder(fasttext, "pooled"))
    with pytest.raises(BadOption, match="keys are of a Space"):
        measure.decomposition(kf.encode.encoder(fasttext, "pooled"), "a", texts=["sea"])
