import dataclasses
import os
from pathlib import Path

import numpy as np
import pytest
from worlds import MEANT, PAIRS, leaning

import kinfold as kf
from kinfold import Space
from kinfold.core.errors import BadData, BadOption, FrameMismatch, UnknownName
from kinfold.measure.word_lists import read_lists
from kinfold.recipes.debias import METHODS, concept_of

DATA = Path(os.environ.get("KINFOLD_DATA", Path(__file__).parents[3] / "shared" / "data"))
VECTORS = DATA / "vectors" / "googlenews_subset_300d.bin"


@pytest.fixture
def lists(tmp_path):
    """A file of lists about the planted world, with a question."""
    path = tmp_path / "sides.toml"
    pairs = ", ".join(f'["{she}", "{he}"]' for she, he in PAIRS)
    words = leaning()
    leans = dict(zip(words.keys, words.attribute("leans").to_pylist(), strict=True))
    order = sorted((word for word in words.keys if word.startswith("w")), key=lambda word: leans[word])
    sets = {"she": [she for she, _ in PAIRS], "he": [he for _, he in PAIRS], "far": order[-20:], "near": order[:20]}
    told = "\n".join(f"{name} = {each!r}" for name, each in sets.items()).replace("'", '"')
    path.write_text(
        f'title = "Sides"\n[pairs]\ndefinitional = [{pairs}]\nequalize = [["she0", "he0"]]\n[words]\n{told}\n'
        '[[query]]\nname = "sides"\ntargets = ["far", "near"]\nattributes = ["she", "he"]\n'
    )
    return path


@pytest.mark.parametrize("method", METHODS)
def test_every_method_gives_a_space_and_a_report(method, lists):
    space = leaning()
    options = {"candidates": 2} if method == "double-hard" else {}
    fair, report = kf.debias(space, method, lists=lists, biased=40, **options)
    with pytest.raises(FrameMismatch):
        space.same_frame(fair)
    assert fair.card.steps[-1]["step"].startswith(method)
    assert fair.card.reports[-1].to_dict() == report.to_dict()
    assert report.title == f"Debiasing · Sides · {method}"
    assert report["before/sides · effect size"].value > 1.5
    # Where all targets are equally near to both attributes, there is no effect size at all.
    assert not report["after/sides · effect size"].value > report["before/sides · effect size"].value
    assert report["before/probe"].value > 0.9
    assert {each.name for each in report if each.group == "before"} == {
        *("clusters", "probe", "new probe", "neighbors", "chance", "bias by neighbors", "sides · effect size")
    }
    assert 0.2 < report["cost/similarities kept"].value < 1
    assert 0 < report["cost/nearest 10 kept"].value < 1
    moved = next(table for table in report.tables if table.title == "Moved most")
    assert len(moved.rows) == 20
    assert [row[1] for row in moved.rows] == sorted(row[1] for row in moved.rows)
    assert any("A probe told" in note for note in report.notes)


def test_hard_debiasing_hides_what_leace_takes_out(lists):
    space = leaning(words=2000, hidden=1.0)
    found = {}
    for method in ("hard", "leace"):
        _, report = kf.debias(space, method, lists=lists, biased=200)
        found[method] = {name: report[f"after/{name}"] for name in ("probe", "new probe", "chance", "clusters")}
    assert found["hard"]["probe"].value > 0.8
    assert found["leace"]["probe"].low <= found["leace"]["chance"].value <= found["leace"]["probe"].high + 0.05
    assert found["leace"]["new probe"].value < 0.7 < found["hard"]["new probe"].value


def test_an_attribute_of_any_modality_is_erased():
    rng = np.random.default_rng(0)
    party = np.arange(900) % 3
    rows = rng.normal(size=(900, 12)) + 1.5 * np.eye(12)[party]
    space = Space.of([f"speech {i}" for i in range(900)], rows, metric="dot", group="document")
    space = space.with_attribute("party", [("red", "blue", "green")[each] for each in party])
    for method in ("leace", "inlp"):
        fair, report = kf.debias(space, method, attribute="party")
        assert report["before/probe"].value > 0.7
        assert report["after/probe"].value < 0.42
        assert report["after/new probe"].value < 0.45
        assert fair.card.steps[-1]["attribute"] == "party"
        assert fair.attribute("party").to_pylist() == space.attribute("party").to_pylist()


def test_lists_of_words_can_be_the_kinds(lists):
    space = leaning()
    fair, report = kf.debias(space, "leace", lists=lists, kinds=["far", "near"])
    far, near = (fair.vectors(list(read_lists(lists)[name])).mean(axis=0) for name in ("far", "near"))
    np.testing.assert_allclose(far, near, atol=1e-5)
    assert report["after/probe"].n == 20
    both, report = kf.debias(space, "leace", lists=lists, attribute="side", biased=40)
    assert both.card.steps[-1]["rank"] == 2
    assert report["after/probe · side"].value < 0.65
    assert report["after/probe · sides"].value < 0.65


def test_kinds_of_few_words_are_erased_and_not_judged(lists):
    space = leaning()
    text = lists.read_text()
    lists.write_text(text.replace("[words]", '[words]\nfew = ["w1", "w2", "w3"]\nothers = ["w4", "w5"]'))
    fair, report = kf.debias(space, "leace", lists=lists, kinds=["few", "others"])
    few, others = (fair.vectors(words).mean(axis=0) for words in (["w1", "w2", "w3"], ["w4", "w5"]))
    np.testing.assert_allclose(few, others, atol=1e-5)
    assert any("is not told: 0 kinds have at least 8 rows" in note for note in report.notes)
    assert "after/probe" not in {f"{each.group}/{each.name}" for each in report}


def test_biases_of_items_stay_and_are_not_judged():
    space = leaning(metric="dot")
    space = dataclasses.replace(space, card=dataclasses.replace(space.card, data={"biases": 2}))
    fair, report = kf.debias(space, "leace", attribute="side")
    np.testing.assert_array_equal(fair.rows.dense()[:, -2:], space.rows.dense()[:, -2:])
    assert report["after/probe"].value < 0.7 < report["before/probe"].value


def test_scores_by_files_and_other_lists_are_asked_before_and_after(lists, tmp_path):
    space = leaning()
    pairs = [(f"w{i}", f"w{i + 1}") for i in range(0, 200, 2)]
    scores = [space.similarity(*pair) for pair in pairs]
    (tmp_path / "pairs.txt").write_text("".join(f"{a} {b} {s}\n" for (a, b), s in zip(pairs, scores, strict=True)))
    (tmp_path / "questions.txt").write_text("he1 she1 he2 she2\nhe3 she3 he4 she4\n")
    _, report = kf.debias(
        space,
        lists=lists,
        similarity=tmp_path / "pairs.txt",
        analogies=[tmp_path / "questions.txt"],
        audit=[lists],
        components=1,
    )
    assert report["before/pairs · spearman"].value == pytest.approx(1, abs=1e-3)
    assert 0.5 < report["after/pairs · spearman"].value < 0.999
    assert report["before/questions · accuracy"].n == 2
    other = next(table for table in report.tables if table.title.startswith("Questions"))
    assert [row[0] for row in other.rows] == ["sides"]


def test_a_direction_of_few_pairs_is_named(lists):
    lost = ", ".join(f'["gone{at}", "lost{at}"]' for at in range(3 * len(PAIRS)))
    lists.write_text(lists.read_text().replace("definitional = [", f"definitional = [{lost}, ", 1))
    _, report = kf.debias(leaning(), "hard", lists=lists, biased=40)
    assert any("More than half of the pairs are lost" in note for note in report.notes)


def test_lists_say_what_a_concept_is():
    gender = concept_of(read_lists("gender"))
    assert ("she", "he") in gender.pairs
    assert len(gender.pairs) == 10
    assert {"she", "nun", "actress"} < set(gender.specific)
    assert gender.components == 1
    assert concept_of(read_lists("religion")).components == 2
    with pytest.raises(BadData, match="has no \\[pairs\\]"):
        concept_of(read_lists("weat"))


def test_what_does_not_go_together_is_refused(lists, tmp_path):
    space = leaning()
    for options, error, says in (
        ({"method": "hrad"}, UnknownName, "Did you mean 'hard'"),
        ({"attribute": "side"}, BadOption, "take method='leace'"),
        ({"method": "leace", "kinds": ["far"]}, BadOption, "say which lists"),
        ({"method": "leace", "lists": lists, "kinds": ["fra", "near"]}, UnknownName, "Did you mean 'far'"),
        ({"lists": lists, "rounds": 3}, BadOption, "has no option 'rounds'"),
        ({"lists": lists, "k": 0}, BadOption, "at least 1"),
        ({"lists": tmp_path / "none.toml"}, OSError, "none.toml"),
        ({"lists": "gendre"}, UnknownName, "Did you mean 'gender'"),
        ({}, BadData, "none of 10 pairs"),
        ({"lists": lists, "group": "item"}, UnknownName, "item"),
    ):
        with pytest.raises(error) as caught:
            kf.debias(space, **options)
        assert says in str(caught.value)
    few = Space.of([*MEANT, *(f"w{i}" for i in range(30))], space.rows.dense()[:50])
    with pytest.raises(BadData, match="30 words are neutral"):
        kf.debias(few, lists=lists)
    with pytest.raises(BadData, match="nothing to debias"):
        kf.debias(Space.of([], np.zeros((0, 3))), lists=lists)


@pytest.mark.data
@pytest.mark.skipif(not VECTORS.exists(), reason=f"no Google vectors in {DATA}")
def test_leace_leaves_a_probe_at_chance_and_similarity_within_a_point():
    files = [DATA / "word_eval" / name for name in ("EN-SIMLEX-999.txt", "EN-WS-353-ALL.txt")]
    _, report = kf.debias(kf.open(VECTORS), "leace", similarity=files)
    probe = report["after/probe"]
    assert report["before/probe"].value > 0.95
    assert probe.low <= 0.5 <= probe.high
    for file in files:
        before, after = (report[f"{side}/{file.stem} · spearman"].value for side in ("before", "after"))
        assert abs(after - before) < 0.01
