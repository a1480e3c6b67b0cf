import dataclasses

import numpy as np
import pyarrow as pa
import pytest
from models import real, tiny
from peers import peer

import kinfold as kf
from kinfold import Space
from kinfold.core.card import Card
from kinfold.core.errors import BadData, BadOption, FrameMismatch, UnknownKey
from kinfold.core.keys import Keys
from kinfold.core.shapes import Items
from kinfold.tasks.found import fused
from kinfold.tasks.search import Searcher, evaluate, search
from kinfold.tasks.snippets import snippet

SENSES, NAMES, EACH = 20, 20, 3


class Planted:
    """Rows of texts and questions are the sense that they speak of; it hears no names."""

    things = "texts"

    def __init__(self, frame):
        self.frame, self.dim = frame, SENSES

    def encode(self, items, *, threads=None, progress=None):
        rows = [self.row(text) for text in items.raw]
        space = Space.of([str(at) for at in range(len(rows))], rows, group="document")
        return dataclasses.replace(space, card=Card(self.frame, "planted"))

    def row(self, text):
        row = np.zeros(SENSES, np.float32)
        for word in text.split():
            if word.startswith(("sense", "meaning")):
                row[int(word.removeprefix("sense").removeprefix("meaning"))] = 1
        return row


@pytest.fixture(scope="module")
def world():
    """Texts of a sense and a name each; questions say the sense in other words, and only some have the name.

    Half the questions name no sense of theirs but a name; the other half a sense and no name that is there.
    """
    rng = np.random.default_rng(0)
    texts, keys = [], []
    for sense in range(SENSES):
        for name in range(NAMES):
            keys.append(f"{sense}-{name}")
            texts.append(f"sense{sense} of name{name} {' '.join(f'w{at}' for at in rng.integers(0, 200, 6))}")
    planted = Planted("planted-1")
    rows = [planted.row(text) for text in texts]
    space = Space.of(keys, rows, group="document").with_attribute("text", texts)
    space = dataclasses.replace(space, card=Card("planted-1", "planted"))
    asked = [(sense, name) for sense, name in zip(rng.integers(0, SENSES, 60), rng.integers(0, NAMES, 60), strict=True)]
    # The same sense in a word that no text has; the name as it is.
    questions = [f"meaning{sense} by name{name}" for sense, name in asked]
    return space, planted, questions, [[f"{sense}-{name}"] for sense, name in asked]


def test_a_hybrid_beats_each_alone_where_both_are_needed(world):
    space, planted, questions, answers = world
    report = evaluate(Searcher(space, planted), questions, answers, ks=(1, 10))
    of = {how: report[f"{how}/mrr@10"].value for how in ("hybrid", "dense", "bm25")}
    assert of["hybrid"] > 0.9
    assert of["hybrid"] > 2 * max(of["dense"], of["bm25"])
    above = report["hybrid/mrr@10 above dense"]
    assert above.low > 0
    assert report["hybrid/recall@1"].low <= report["hybrid/recall@1"].value <= report["hybrid/recall@1"].high
    assert len(report.tables) == 1  # what the last way, bm25, does not find


def test_parts_of_the_score_add_up(world):
    space, planted, questions, answers = world
    found = search(space, questions[:5], model=planted, k=4)
    alone = {how: search(space, questions[:5], model=planted, k=100, how=how) for how in ("dense", "bm25")}
    for at, each in enumerate(found):
        assert each.keys[0] == answers[at][0]
        assert each.query == questions[at]
        for place, (key, score) in enumerate(each):
            ranks = [each.ranks[how][place] for how in ("dense", "bm25")]
            assert score == pytest.approx(sum(1 / (60 + rank) for rank in ranks if not np.isnan(rank)), rel=1e-5)
            for how, rank in zip(("dense", "bm25"), ranks, strict=True):
                if not np.isnan(rank):
                    assert alone[how][at].keys[int(rank) - 1] == key
                    assert each.parts[how][place] == pytest.approx(alone[how][at].scores[int(rank) - 1], rel=1e-5)
        told = each.to_dict()["hits"][0]
        assert set(told) == {"key", "score", "dense", "bm25", "hybrid", "dense_rank", "bm25_rank", "snippet"}
        assert told["snippet"].startswith("sense")


def test_weights_conditions_and_an_index(world):
    space, planted, questions, _ = world
    searcher = Searcher(space, planted)
    plain = searcher.find(questions[:3], 5, how="bm25")
    assert [each.keys for each in searcher.find(questions[:3], 5, weights=(0, 1))] == [each.keys for each in plain]
    for how in ("hybrid", "dense", "bm25"):
        (found,) = searcher.find(questions[0], 50, how=how, where="key like '3-%'")
        assert len(found)
        assert all(key.startswith("3-") for key in found.keys)
    by_index = Searcher(space, planted, index=kf.search.build(space, "exact"))
    assert by_index.find(questions[1], 5)[0].keys == searcher.find(questions[1], 5)[0].keys


def test_fusion_is_by_ranks_and_equal_scores_by_row():
    rows, scores = fused([np.array([7, 3]), np.array([3, 9])], np.array([1.0, 1.0]))
    assert rows.tolist() == [3, 7, 9]
    np.testing.assert_allclose(scores, [1 / 62 + 1 / 61, 1 / 61, 1 / 62])


def test_a_cross_encoder_orders_the_best_anew(world):
    space, planted, questions, _ = world

    class Backwards:
        def scores(self, pairs, *, threads=None, progress=None):
            assert all(question == questions[0] for question, _ in pairs)
            return np.array([int(text.split()[2].removeprefix("name")) / 20 for _, text in pairs], np.float32)

    (found,) = Searcher(space, planted, rerank=Backwards()).find(questions[0], 3, depth=10)
    (before,) = Searcher(space, planted).find(questions[0], 10)
    assert set(found.keys) <= set(before.keys)
    names = [int(key.split("-")[1]) for key in found.keys]
    assert names == sorted((int(key.split("-")[1]) for key in before.keys), reverse=True)[:3]
    np.testing.assert_array_equal(found.scores, found.parts["rerank"])
    assert (found.parts["hybrid"] > 0).all()


@pytest.mark.parametrize("method", ["doc2vec", "sif", "usif", "mean"])
def test_learned_documents_remember_what_encodes_questions(method, tmp_path):
    rng = np.random.default_rng(0)
    topics = [["ship", "sea", "whale", "sail", "wave", "harbor"], ["hay", "farm", "horse", "barn", "plough", "wheat"]]
    texts = {f"{at % 2}-{at}": " ".join(rng.choice(topics[at % 2], 12)) for at in range(200)}
    words = None if method == "doc2vec" else kf.words(list(texts.values()), dim=8, min_count=1, threads=1, epochs=20)
    options = {"dim": 8, "epochs": 60, "subsample": 0} if method == "doc2vec" else {}
    space = kf.documents(texts, method=method, words=words, min_count=1, threads=1, **options)
    found = search(space, ["whale and harbor", "unheard", "wheat, barn"], how="dense", k=5, threads=1)
    assert all(key.startswith("0-") for key in found[0].keys)
    assert len(found[1]) == 0
    assert all(key.startswith("1-") for key in found[2].keys)
    assert search(space, "unheard", how="dense")[0].keys == []
    with pytest.raises(BadData, match="how='dense'"):
        search(space, "a whale")
    # The documents alone have forgotten it; the words that they were made of are named then.
    alone = space.group("document").with_attribute("text", list(texts.values()))
    with pytest.raises(BadData, match="does not remember"):
        search(alone, "a whale")
    assert search(alone, "a whale", model=space, k=1)[0].keys[0].startswith("0-")
    assert search(alone, "a whale", how="bm25", k=1)[0].keys[0].startswith("0-")


def test_a_transformer_is_remembered_and_its_query_prompt_taken(tmp_path):
    peer("transformers")
    from kinfold.encode.transformer import Transformer

    folder = tiny(tmp_path / "model")
    texts = ["the sea is blue", "a red barn", "hay and a farm", "ship and wave"]
    items = Items(texts, Keys(list("abcd"), "document"), table=pa.table({"text": texts}))
    space = Transformer(folder).encode(items, threads=1)
    (found,) = search(space, "a red barn", how="dense", k=1, threads=1)
    assert found.keys == ["b"]
    assert found.scores[0] == pytest.approx(1, abs=1e-4)
    assert search(space, "a red barn", k=1, model=folder, threads=1)[0].keys == ["b"]
    (folder / "config_sentence_transformers.json").write_text('{"prompts": {"query": "the sea: "}}')
    (prompted,) = search(space, "a red barn", how="dense", k=4, threads=1)
    vector = Transformer(folder, prompt="query").vectors(["a red barn"], threads=1)[0]
    np.testing.assert_allclose(prompted.scores, space.nearest(vector, 4).scores, atol=1e-5)
    (without,) = search(space, "a red barn", how="dense", prompt="", k=1, threads=1)
    assert without.scores[0] == pytest.approx(1, abs=1e-4)
    with pytest.raises(FrameMismatch, match="encode the texts anew"):
        search(space, "a", how="dense", model=tiny(tmp_path / "other", seed=1))
    shorter = Transformer(folder, truncate_dim=8).encode(items, threads=1)
    assert search(shorter, "a red barn", how="dense", model=folder, prompt="", k=1, threads=1)[0].keys == ["b"]


@pytest.mark.slow
def test_a_real_model_finds_what_no_word_says():
    folder = real()
    texts = [
        "A man is playing a guitar on stage.",
        "The stock market fell sharply on Monday.",
        "Two puppies sleep in a basket.",
        "Senators voted on the new law.",
    ]
    items = Items(texts, Keys(list("abcd"), "document"), table=pa.table({"text": texts}))
    space = kf.encoder(folder).encode(items, threads=1)
    asked = ["shares lost value", "young dogs napping", "parliament passes a bill", "live music"]
    found = search(space, asked, how="dense", k=1, threads=1)
    assert [each.keys for each in found] == [["b"], ["c"], ["d"], ["a"]]
    assert not any(hit.keys for hit in search(space, ["shares lost value", "young dogs napping"], how="bm25"))


def test_what_cannot_be_searched_is_said(world):
    space, planted, questions, _ = world
    for bad in ("", "  ", ["good", ""]):
        with pytest.raises(BadOption, match="is empty"):
            search(space, bad, model=planted)
    with pytest.raises(BadOption, match="Did you mean 'dense'"):
        search(space, "a", model=planted, how="dence")
    with pytest.raises(BadOption, match="weights"):
        search(space, "a", model=planted, weights=(1, -1))
    with pytest.raises(FrameMismatch, match="cannot be compared"):
        search(space, "a", model=Planted("planted-2"))
    with pytest.raises(BadOption, match="prompt"):
        search(space, "a", model=planted, prompt="query")
    words = Space.of(["cat", "dog"], [[1, 0], [0, 1]], group="word", method="word2vec")
    with pytest.raises(BadData, match="attribute of texts"):
        search(words, "a cat")
    with pytest.raises(BadData, match="does not remember"):
        search(words, "a cat", how="dense")
    subword = Space.of(["cat", "dog"], [[1, 0], [0, 1]], group="word", method="fasttext")
    with pytest.raises(BadData, match="gives rows to words"):
        search(subword, "a cat", how="dense", model=subword)
    with pytest.raises(BadData, match="at least one"):
        evaluate(Searcher(space, planted), questions[:2], [["0-1"], []])
    with pytest.raises(UnknownKey):
        evaluate(Searcher(space, planted), questions[:1], [["nobody"]])


def test_snippets_show_where_the_words_are():
    text = "nothing here " * 100 + "the white whale sank the ship " + "nothing there " * 100
    shown = snippet(text, "White whale?", 60)
    assert "white whale" in shown
    assert len(shown) <= 66
    assert shown.startswith("… ")
    assert shown.endswith(" …")
    assert snippet("short  text\n", "any") == "short text"
    assert snippet("a" * 500, "b", 50).startswith("a" * 50)
    assert snippet(text, "unheard", 40).startswith("nothing here")
