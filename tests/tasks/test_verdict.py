import numpy as np
import pyarrow as pa
import pytest
from sklearn import metrics

from kinfold.core.errors import BadData, BadOption
from kinfold.core.shapes import Items
from kinfold.tasks.verdict import judge, ranked

LABELS = ["a", "b", "c"]


def told(texts=300, labels=3, seed=0):
    """Probabilities, and labels that are often the likeliest."""
    rng = np.random.default_rng(seed)
    chances = rng.dirichlet(np.full(labels, 0.5), texts).astype(np.float32)
    known = np.array([rng.choice(labels, p=row / row.sum()) for row in chances.astype(np.float64)])
    return chances, known


def items(known):
    return Items([""] * len(known), labels=pa.array(known, pa.list_(pa.string())))


def test_one_label_a_text_is_judged_as_scikit_learn_does():
    chances, known = told()
    best = chances.argmax(axis=1)
    report = judge(LABELS, items([[LABELS[at]] for at in known]), [chances[:100], chances[100:]], k=(1, 2, 9))
    assert report["accuracy"].value == pytest.approx(metrics.accuracy_score(known, best))
    assert report["macro F1"].value == pytest.approx(metrics.f1_score(known, best, average="macro"))
    assert report["majority"].value == np.bincount(known).max() / 300
    top = np.argsort(-chances, axis=1)[:, :2]
    hits = (top == known[:, None]).sum()
    assert report["precision@2"].value == pytest.approx(hits / 600)
    assert report["recall@2"].value == pytest.approx(hits / 300)
    assert report["recall@2"].n == 300
    assert report["precision@2"].n == 600
    assert not any("@9" in finding.name for finding in report)
    precision, recall, f1, support = metrics.precision_recall_fscore_support(known, best)
    order = np.argsort(-support, kind="stable")
    table, confusion = report.tables
    assert [row[0] for row in table.rows] == [LABELS[at] for at in order]
    np.testing.assert_allclose(
        [row[1:] for row in table.rows],
        np.array([support, np.bincount(best), precision, recall, f1]).T[order],
    )
    np.testing.assert_array_equal([row[1:] for row in confusion.rows], metrics.confusion_matrix(known, best))
    assert not report.notes
    for finding in report:
        assert finding.low <= finding.value <= finding.high


def test_the_calibration_error_is_that_of_its_formula():
    chances, known = told()
    best, score = chances.argmax(axis=1), chances.max(axis=1)
    expected = 0.0
    for low in np.arange(10) / 10:
        inside = (score >= low) & ((score < low + 0.1) | (low == 0.9))
        if inside.any():
            expected += inside.mean() * abs(score[inside].mean() - (best == known)[inside].mean())
    report = judge(LABELS, items([[LABELS[at]] for at in known]), [chances])
    assert report["calibration error"].value == pytest.approx(expected, abs=1e-6)
    assert report["calibration error"].value < 0.1
    sure = np.eye(3, dtype=np.float32)[best]
    overconfident = judge(LABELS, items([[LABELS[at]] for at in known]), [sure])
    assert overconfident["calibration error"].value == pytest.approx(1 - overconfident["accuracy"].value)


def test_several_labels_a_text_and_a_threshold():
    chances = np.random.default_rng(1).random((200, 4)).astype(np.float32)
    known = np.random.default_rng(2).random((200, 4)) < chances
    known[known.sum(axis=1) == 0, 0] = True
    names = ["a", "b", "c", "d"]
    lists = items([[name for name, held in zip(names, row, strict=True) if held] for row in known])
    report = judge(names, lists, [chances], k=(4,), threshold=0.5)
    best = chances >= 0.5
    assert report["precision@4"].value == pytest.approx(metrics.precision_score(known, best, average="micro"))
    assert report["recall@4"].value == pytest.approx(metrics.recall_score(known, best, average="micro"))
    assert report["macro F1"].value == pytest.approx(metrics.f1_score(known, best, average="macro"))
    assert report["accuracy"].value == known[np.arange(200), chances.argmax(axis=1)].mean()
    assert len(report.tables) == 1
    assert report["macro F1"].low < report["macro F1"].value < report["macro F1"].high


def test_unknown_labels_are_misses_and_texts_without_one_take_no_part():
    chances = np.array([[0.9, 0.1], [0.9, 0.1], [0.2, 0.8], [0.9, 0.1]], np.float32)
    report = judge(["a", "b"], items([["a"], ["new"], [], ["a", "new", "a"]]), [chances])
    assert report["accuracy"].value == pytest.approx(2 / 3)
    assert report["accuracy"].n == 3
    assert report["recall@1"].value == 2 / 4
    assert [row[:3] for row in report.tables[0].rows] == [["a", 2, 3], ["new", 2, 0]]
    assert "1 of 4 texts have no label" in report.notes[0]
    assert "2 texts have a label that training had none of ('new')" in report.notes[1]


def test_many_labels_are_judged_without_a_table_of_confusions():
    rng = np.random.default_rng(0)
    chances = rng.random((50, 1500)).astype(np.float32)
    names = [f"l{number}" for number in range(1500)]
    report = judge(names, items([[names[at]] for at in rng.integers(0, 1500, 50)]), [chances], k=(1, 1500))
    assert report["recall@1500"].value == 1
    assert report["macro F1"].low <= report["macro F1"].value <= report["macro F1"].high
    assert len(report.tables) == 1
    assert len(report.tables[0].rows) <= 200


def test_equal_probabilities_go_by_the_order_of_the_labels():
    found = ranked([np.full((2, 4), 0.25, np.float32), np.array([[0, 1, 0, 1]], np.float32)], 3, 0.5)
    assert found.ids.tolist() == [[0, 1, 2], [0, 1, 2], [1, 3, 0]]
    assert found.texts.tolist() == [2, 2]
    assert found.labels.tolist() == [1, 3]
    assert ranked([], 2).ids.shape == (0, 2)


@pytest.mark.parametrize("options", [{"k": (0,)}, {"k": ()}, {"threshold": 1.5}, {"threshold": -0.1}])
def test_options_out_of_range_are_named(options):
    with pytest.raises(BadOption, match=next(iter(options))):
        judge(["a", "b"], items([["a"]]), [np.ones((1, 2), np.float32)], **options)


def test_what_cannot_be_judged_is_said():
    with pytest.raises(BadData, match="no text of the test has a label"):
        judge(["a", "b"], items([[]]), [np.ones((1, 2), np.float32)])
    with pytest.raises(BadData, match="1 texts do not go with labels of 2"):
        judge(["a", "b"], items([["a"], ["b"]]), [np.ones((1, 2), np.float32)])
