import dataclasses
import os
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from peers import fasttext, supervised_space

import kinfold as kf
from kinfold.core.errors import BadData, BadFile, BadOption, UnknownName
from kinfold.core.shapes import Items
from kinfold.tasks.classify import Chances, TextClassifier, evaluate, predict, train

TEXTS = ["Sun and sea!", "snow and ice", "a warm sea", "Cold, cold ice"] * 30
LABELS = ["summer", "winter"] * 60


def trained(**options):
    return train(TEXTS, LABELS, **{"dim": 8, "epochs": 20, "threads": 1, **options})


@pytest.mark.parametrize("loss", ["softmax", "one-vs-all", "negative", "hierarchical"])
def test_it_tells_texts_that_it_has_not_seen(loss):
    classifier = trained(loss=loss)
    hits = classifier.predict(["the SEA is warm", "ice!"], k=5)
    assert [each.keys[0] for each in hits] == ["summer", "winter"]
    assert all(len(each) == 2 and each.scores[0] > 0.8 > 0.3 > each.scores[1] for each in hits)
    if loss in ("softmax", "hierarchical"):
        assert hits[0].scores.sum() == pytest.approx(1, abs=1e-5)
    assert [each.keys for each in classifier.predict(["sea"], k=2, threshold=0.5)] == [["summer"]]
    assert classifier.predict([]) == []


@pytest.mark.parametrize(
    "source",
    ["lines", "first", "csv", "jsonl", "frame", "strings"],
)
def test_every_way_to_give_texts_learns_the_same(source, tmp_path):
    import pandas as pd

    frame = pd.DataFrame({"text": TEXTS, "label": LABELS})
    lines = [f"__label__{label} {text}" for text, label in zip(TEXTS, LABELS, strict=True)]
    first = [line.removeprefix("__label__") for line in lines]
    (tmp_path / "lines.txt").write_text("\n".join(lines))
    (tmp_path / "first.txt").write_text("\n".join(first))
    frame.to_csv(tmp_path / "csv.csv", index=False)
    frame.to_json(tmp_path / "jsonl.jsonl", orient="records", lines=True)
    given = {
        "lines": tmp_path / "lines.txt",
        "first": str(tmp_path / "first.txt"),
        "csv": tmp_path / "csv.csv",
        "jsonl": tmp_path / "jsonl.jsonl",
        "frame": frame,
        "strings": lines,
    }[source]
    options = {"prefix": ""} if source == "first" else {}
    classifier = train(given, dim=8, epochs=3, threads=1, **options)
    np.testing.assert_array_equal(classifier.space.rows.values, trained(epochs=3).space.rows.values)
    report = classifier.evaluate(given, **options)
    assert report["accuracy"].n == 120
    assert report["accuracy"].value > 0.9


def test_vectors_to_begin_with_give_rows_to_words_that_no_text_has():
    rng = np.random.default_rng(0)
    warm, cold = rng.normal(size=(2, 16))
    names = {"sun": warm, "sand": warm, "palm": warm, "snow": cold, "ice": cold, "frost": cold}
    rows = [each + 0.1 * rng.normal(size=16) for each in names.values()]
    vectors = kf.Space.of(list(names), rows, group="word")
    texts, labels = ["sun and sand", "snow and ice"] * 20, ["summer", "winter"] * 20
    made = train(texts, labels, start=vectors, epochs=20, threads=1)
    assert [hits.keys[0] for hits in made.predict(["palm", "frost"])] == ["summer", "winter"]
    step = made.space.card.steps[-1]
    assert (step["step"], step["shared"], step["new_keys"]) == ("start", 4, 1)
    with pytest.raises(BadOption, match="the Space has 16 dimensions"):
        train(texts, labels, start=vectors, dim=8)
    documents = kf.Space.of(["0", "1"], rows[:2], group="word")
    with pytest.raises(BadData, match=r"have none of the 5 words of the texts \(theirs are '0', '1'"):
        train(texts, labels, start=documents)
    with pytest.raises(BadOption, match="start is for supervised fastText"):
        train(texts, labels, start=vectors, model=vectors)


def test_saved_and_opened_it_tells_the_same(tmp_path):
    classifier = trained(word_ngrams=2, min_n=2, max_n=3, buckets=1000, loss="hierarchical")
    classifier.save(tmp_path / "model.arrow")
    again = TextClassifier.open(tmp_path / "model.arrow")
    texts = ["the sea", "", "unseen words"]
    for one, two in zip(classifier.predict(texts, k=2), again.predict(texts, k=2), strict=True):
        assert one.keys == two.keys
        np.testing.assert_array_equal(one.scores, two.scores)
    # The tokenizer is on the card: words are lower-cased, and punctuation is none.
    assert again.predict(["SEA!"])[0].keys == ["summer"]


def test_a_tokenizer_of_ones_own_has_to_be_given_again(tmp_path):
    classifier = trained(tokenizer=lambda text: text.lower().split())
    assert classifier.predict(["SEA"])[0].keys == ["summer"]
    classifier.save(tmp_path / "model.arrow")
    with pytest.raises(BadOption, match="pass it again"):
        TextClassifier.open(tmp_path / "model.arrow").predict(["sea"])


def test_the_report_counts_what_it_could_not_use():
    report = trained().evaluate(["sea", "", "zzz", "ice", "fog"], ["summer", "winter", "summer", None, "autumn"])
    assert report["accuracy"].n == 4
    assert report.notes[0] == "1 of 5 texts have no label, and take no part."
    assert "'autumn'" in report.notes[1]
    assert report.notes[2] == "3 of 5 texts have no word that was learned, 1 of them no word at all."


def test_any_classifier_is_judged_and_asked_alike():
    class Coin:
        labels = ("heads", "tails")

        def chances(self, items, *, threads=None, progress=None):
            return Chances(iter([np.tile(np.array([0.6, 0.4], np.float32), (len(list(items.raw)), 1))]), ["a coin"])

    report = evaluate(Coin(), ["x", "y"], ["heads", "tails"])
    assert report["accuracy"].value == 0.5
    assert report.notes == ["a coin"]
    assert predict(Coin(), ["x"], k=2)[0].keys == ["heads", "tails"]
    assert predict(Coin(), Items(["x"]), threshold=0.7)[0].keys == []


def as_fasttext_tells(loss, chance):
    """Between which numbers the original's probability is, where ours is `chance`.

    It adds 1e-5 before it takes logarithms, in a tree to every factor, and looks sigmoids up in a table of 512 entries
    from -8 to 8.
    """
    if loss == "softmax":
        return chance + 1e-5, chance + 1e-5
    if loss == "hs":
        return chance, chance + 7e-5
    score = np.log(chance / (1 - chance)) + np.array([-1e-4, 1e-4])
    entry = np.floor((score + 8) * 512 / 16)
    looked_up = np.where(score < -8, 0, np.where(score > 8, 1, 1 / (1 + np.exp(8 - entry * 16 / 512))))
    return tuple(looked_up + 1e-5)


@pytest.mark.parametrize("grams", [{}, {"wordNgrams": 2, "minn": 2, "maxn": 3}])
@pytest.mark.parametrize("loss", ["softmax", "ova", "ns", "hs"])
def test_the_same_weights_tell_the_same_as_in_the_original(loss, grams, tmp_path):
    library = fasttext()
    rng = np.random.default_rng(0)
    words = [f"w{number}" for number in range(60)]
    lines = []
    for number in range(400):
        label = int(rng.integers(0, 7) * rng.random())
        lines.append(f"__label__l{label} " + " ".join(rng.choice(words[label * 5 : label * 5 + 20], number % 9)))
    path = tmp_path / "train.txt"
    path.write_text("\n".join(lines) + "\n")
    model = library.train_supervised(
        str(path), dim=8, lr=0.5, epoch=10, loss=loss, thread=1, verbose=0, bucket=500, **grams
    )
    names = {"wordNgrams": "word_ngrams", "minn": "min_n", "maxn": "max_n"}
    ours = {names[name]: value for name, value in grams.items()}
    classifier = TextClassifier(supervised_space(model, loss=loss, buckets=500 if grams else 0, **ours))
    assert "l0" in classifier.labels
    texts = ["w1 w2 w3", "", "unseen w9", *(line.partition(" ")[2] for line in lines[:50])]
    for text, hits in zip(texts, classifier.predict(texts, k=7), strict=True):
        theirs = {
            label.removeprefix("__label__"): each for each, label in model.f.predict(text + "\n", 7, 0.0, "strict")
        }
        assert theirs.keys() <= set(hits.keys)
        for label, chance in hits:
            low, high = as_fasttext_tells(loss, chance)
            # In a tree it leaves out what is below 1e-5.
            assert low - 1e-5 <= theirs.get(label, 0) <= high + 1e-5
    for k in (1, 3):
        count, precision, recall = model.test(str(path), k)
        report = classifier.evaluate(path, k=(k,))
        assert report["accuracy"].n == count
        gap = 1e-9 if loss == "softmax" else 0.01
        assert report[f"precision@{k}"].value == pytest.approx(precision, abs=gap)
        assert report[f"recall@{k}"].value == pytest.approx(recall, abs=gap)


@pytest.mark.data
def test_sentiment_is_told_as_well_as_by_the_original(tmp_path):
    library = fasttext()
    folder = Path(os.environ.get("KINFOLD_DATA", Path(__file__).parents[3] / "shared" / "data"))
    path = folder / "text" / "sst2"
    if not path.exists():
        pytest.skip(f"{path} is not there; set KINFOLD_DATA")
    training, test = (path / f"stsa.binary.{name}.gz" for name in ("train", "test"))
    items = kf.sources.labeled.read(training, prefix="")
    lines = [f"__label__{label[0]} {text}" for text, label in zip(items.raw, items.labels.to_pylist(), strict=True)]
    (tmp_path / "train.txt").write_text("\n".join(lines) + "\n")
    held = kf.sources.labeled.read(test, prefix="")
    held_lines = [f"__label__{label[0]} {text}" for text, label in zip(held.raw, held.labels.to_pylist(), strict=True)]
    (tmp_path / "test.txt").write_text("\n".join(held_lines) + "\n")
    model = library.train_supervised(str(tmp_path / "train.txt"), lr=0.5, thread=2, verbose=0)
    theirs = model.test(str(tmp_path / "test.txt"))[1]
    report = train(training, prefix="", tokenizer="whitespace", learning_rate=0.5).evaluate(test, prefix="")
    half = (report["accuracy"].high - report["accuracy"].low) / 2
    assert report["accuracy"].value > theirs - half
    assert report["accuracy"].low > report["majority"].high


def test_what_is_no_classifier_is_said(tmp_path):
    space = kf.words(["one two three"] * 9, dim=4, min_count=1, threads=1)
    with pytest.raises(BadData, match="by word2vec, is no classifier of texts: it has the groups word"):
        TextClassifier(space)
    space.save(tmp_path / "words.arrow")
    with pytest.raises(BadData, match="kinfold classify"):
        TextClassifier.open(tmp_path / "words.arrow")
    with pytest.raises(BadFile, match="no such file"):
        TextClassifier.open(tmp_path / "nowhere.arrow")
    classifier = trained(epochs=1)
    for loss in (None, "hinge", ["softmax"]):
        card = dataclasses.replace(classifier.space.card, parameters={"loss": loss})
        with pytest.raises(BadData, match="no classifier"):
            TextClassifier(dataclasses.replace(classifier.space, card=card))


def test_a_damaged_classifier_is_said():
    space = trained(loss="hierarchical", epochs=1).space
    kind = space.attribute("context").type
    for values, text in ((pa.nulls(len(space), kind), "has rows of 0 nodes only"), ([1] * len(space), "no lists of 8")):
        with pytest.raises(BadData, match=text):
            TextClassifier(space.with_attribute("context", values)).predict(["sea"])
    counts = space.with_attribute("count", [None] * len(space))
    with pytest.raises(BadData, match="needs the count of each"):
        TextClassifier(counts).predict(["sea"])
    space = trained(epochs=1).space
    space.rows.values[-1] = np.nan
    with pytest.raises(BadData, match="probabilities of text 0 are no numbers"):
        TextClassifier(space).predict(["sea"])


def test_what_cannot_be_asked_is_said():
    classifier = trained(epochs=1)
    with pytest.raises(BadOption, match="k is 0"):
        classifier.predict(["sea"], k=0)
    with pytest.raises(BadOption, match="threshold is 2"):
        classifier.predict(["sea"], threshold=2)
    with pytest.raises(BadFile, match="put it in a list"):
        classifier.predict("the sea is warm")
    with pytest.raises(BadOption, match=r"no option 'epoch'\. Did you mean 'epochs'"):
        trained(epoch=3)
    with pytest.raises(BadData, match="at least two labels"):
        train(["a", "b"], ["x", "x"])
    with pytest.raises(BadData, match="2 texts do not go with labels of 1"):
        train(["a", "b"], ["x"])
    with pytest.raises(BadOption, match="tokenizer"):
        trained(tokenizer="nltk")
    import pandas as pd

    with pytest.raises(UnknownName, match="no column 'label'"):
        train(pd.DataFrame({"text": ["a"]}))
