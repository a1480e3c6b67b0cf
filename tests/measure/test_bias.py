import os
from pathlib import Path

import numpy as np
import pytest

from kinfold import Space, audit
from kinfold import open as open_vectors
from kinfold.core.errors import BadData, BadOption, UnknownName
from kinfold.core.keys import Keys
from kinfold.core.report import Report
from kinfold.core.rows import Rows
from kinfold.measure import word_bias
from kinfold.measure.bias import of_words

DATA = Path(os.environ.get("KINFOLD_DATA", Path(__file__).parents[3] / "shared" / "data"))
VECTORS = DATA / "vectors" / "googlenews_subset_300d.bin"
SHARES = DATA / "bias" / "winogender" / "data" / "occupations-stats.tsv"

JOBS = ["nurse", "maid", "typist", "smith", "miner", "pilot"]
LISTS = """
[words]
women = ["she", "her", "woman", "girl"]
men = ["he", "his", "man", "boy"]
home = ["kitchen", "children", "family", "garden"]
work = ["office", "salary", "business", "boss"]
jobs = ["nurse", "maid", "typist", "smith", "miner", "pilot"]
[pairs]
gender = [["she", "he"], ["her", "his"], ["woman", "man"], ["girl", "boy"]]
[[query]]
name = "women and men, home and work"
targets = ["women", "men"]
attributes = ["home", "work"]
[[query]]
name = "women and men, jobs"
targets = ["women", "men"]
attributes = ["jobs"]
[[query]]
name = "women, three"
targets = ["women"]
attributes = ["home", "work", "jobs"]
[[axis]]
name = "gender of jobs"
pairs = "gender"
words = "jobs"
ends = ["women", "men"]
"""


@pytest.fixture
def lists(tmp_path):
    path = tmp_path / "jobs.toml"
    path.write_text(LISTS)
    return path


def society(bias=2.0, seed=0, others=60, dim=12, drop=(), upper=()):
    """Words in which women go with home and men with work, as much as `bias`; jobs from nurse to pilot likewise."""
    rng = np.random.default_rng(seed)
    sets = sets_of_words()
    tilt = {"women": 1.0, "home": 1.0, "men": -1.0, "work": -1.0}
    names, rows = [], []
    for name, words in sets.items():
        for word in words:
            shift = np.linspace(1, -1, len(JOBS))[JOBS.index(word)] if name == "jobs" else tilt[name]
            row = rng.normal(size=dim)
            row[0] += bias * shift
            names.append(word)
            rows.append(row)
    names += [f"other{at}" for at in range(others)]
    rows += list(rng.normal(size=(others, dim)))
    kept = [at for at, name in enumerate(names) if name not in drop]
    named = [names[at].upper() if names[at] in upper else names[at] for at in kept]
    return Space.of(named, np.array(rows)[kept], group="word")


def sets_of_words():
    import tomllib

    return tomllib.loads(LISTS)["words"]


def table(report, title):
    return next(each for each in report.tables if each.title.startswith(title))


def test_a_planted_bias_is_found_and_said(lists):
    report = audit(society(3.0), lists)
    found = report["women and men, home and work/effect size"]
    assert found.low > 0.5
    assert found.n == 8
    assert report["women and men, home and work/p"].value == pytest.approx(2 / 70)
    told = {row[0]: row for row in table(report, "Questions").rows}
    assert told["women and men, home and work"][-1] == "women go with home, men with work: a large effect (p 0.029)"
    assert "jobs are" in told["women and men, jobs"][-1]
    assert report["direct bias"].value > report["direct bias of other keys"].high
    assert told["gender of jobs"][-1].endswith("the most towards women: nurse, towards men: pilot")
    order = [row[0] for row in table(report, "All words").rows]
    assert order.index("nurse") < order.index("pilot")
    measures = {(row[0], row[1]) for row in table(report, "Measures").rows}
    ours = "women and men, home and work"
    assert {(ours, name) for name in ("WEAT", "RND · home", "ECT · work", "RNSB", "SAME", "MAC")} <= measures
    assert {("gender of jobs", "RIPA"), ("women, three", "SAME"), ("women, three", "MAC")} <= measures
    assert ("women, three", "RNSB") not in measures
    assert Report.from_dict(report.to_dict()).to_dict() == report.to_dict()


def test_no_bias_is_no_finding(lists):
    report = audit(society(0.0, seed=3), lists)
    assert report["effect size"].low < 0 < report["effect size"].high
    assert "no association is shown" in table(report, "Questions").rows[0][-1]


def test_too_few_words_to_show_anything_are_told():
    sets = {name: words[:3] for name, words in sets_of_words().items()}
    report = word_bias(society(6.0), of_words("q", {name: sets[name] for name in ("women", "men", "home", "work")}))
    assert report["p"].value >= 0.1
    assert "nothing can be shown with so few words" in table(report, "Questions").rows[0][-1]


def test_turned_questions_have_turned_signs():
    sets = sets_of_words()
    space = society()
    four = {name: sets[name] for name in ("women", "men", "home", "work")}
    turned = {name: sets[name] for name in ("men", "women", "home", "work")}
    one, other = (word_bias(space, of_words("q", each)) for each in (four, turned))
    assert one["effect size"].value == pytest.approx(-other["effect size"].value)
    assert one["effect size"].low == pytest.approx(-other["effect size"].high)
    assert one["p"].value == other["p"].value


def test_missing_words_are_listed_and_too_many_refuse_the_question(lists):
    report = audit(society(drop=("girl", "kitchen", "children")), lists, lost=0.25)
    told = {row[0]: row for row in table(report, "Questions").rows}
    refusal = told["women and men, home and work"][-1]
    assert refusal == "refused: 2 of 4 words of 'home' have no row (50%, at most 25% may be missing)"
    assert told["women and men, home and work"][1] is None
    assert told["women and men, jobs"][-1].startswith("jobs are")
    assert dict(table(report, "Missing words").rows) == {"girl": 4, "children": 2, "kitchen": 2}
    with pytest.raises(UnknownName):
        report["women and men, home and work/effect size"]
    strict = audit(society(drop=("girl",)), lists, lost=0.2)
    assert "refused: 1 of 4 pairs have no row" in table(strict, "Questions").rows[-1][-1]


def test_nothing_in_common_is_said(lists):
    report = audit(Space.of(["x", "y"], [[1, 0], [0, 1]]), lists)
    assert not report.findings
    assert any("Nothing could be answered" in note for note in report.notes)


def test_cases_are_tried_and_told(tmp_path):
    sets = sets_of_words()
    proper = {name: [word.title() for word in sets[name]] for name in ("women", "men", "home", "work")}
    report = audit(society(), of_words("q", proper))
    assert report["effect size"].n == 8
    assert any("16 words have a row in lower case only: She, Her" in note for note in report.notes)
    exact = audit(society(), of_words("q", proper), lower=False)
    assert not exact.findings
    lower = audit(society(), of_words("q", proper), lower=True)
    assert not any("lower case only" in note for note in lower.notes)


def test_zero_and_not_finite_rows_count_as_missing(lists):
    space = society()
    rows = space.rows.values.copy()
    rows[space.keys.row("kitchen")] = 0
    rows[space.keys.row("boss"), 3] = np.inf
    report = word_bias(Space(space.keys, Rows(rows), space.metric, space.card), lists, lost=0.25)
    assert report["effect size"].n == 8
    assert any("zeros or not finite count as missing: kitchen, boss" in note for note in report.notes)
    assert {row[0] for row in table(report, "Missing words").rows} == {"kitchen", "boss"}


def test_one_coordinate_one_word_and_twins_do_not_break_it():
    one = Space.of(["a", "b", "c", "d"], [[1.0], [-1.0], [2.0], [-3.0]])
    report = word_bias(one, of_words("q", {"x": ["a"], "y": ["b"], "p": ["c"], "q": ["d"]}))
    assert report["effect size"].value == pytest.approx(2)
    assert report["effect size"].low is None
    assert report["p"].value == 1
    alike = Space.of(list("abcdefgh"), np.ones((8, 3)))
    report = word_bias(alike, of_words("q", {"x": ["a", "b"], "y": ["c", "d"], "p": ["e", "f"], "q": ["g", "h"]}))
    assert np.isnan(report["effect size"].value)
    assert "equally near" in table(report, "Questions").rows[0][-1]


def test_lengths_count_unless_they_are_asked_not_to(lists):
    space = society()
    longer = Space.of(space.keys, space.rows.values * np.random.default_rng(0).uniform(0.2, 5, (len(space), 1)))

    def rows(space, unit):
        measures = table(word_bias(space, lists, unit=unit), "Measures").rows
        return {tuple(row[:2]): row[2] for row in measures}

    plain, long, short = rows(space, True), rows(longer, False), rows(longer, True)
    assert plain == pytest.approx(short, abs=1e-5)
    assert long["women and men, jobs", "RND · jobs"] != pytest.approx(
        plain["women and men, jobs", "RND · jobs"], abs=1e-3
    )
    weat = "women and men, home and work", "WEAT"
    assert long[weat] == pytest.approx(plain[weat], abs=1e-5)


@pytest.mark.parametrize("metric", ["dot", "l2"])
def test_any_modality_and_metric(metric):
    space = society()
    items = Space(Keys(list(space.keys), "item"), space.rows, type(space.metric)(metric), space.card)
    sets = sets_of_words()
    four = of_words("q", {name: sets[name] for name in ("women", "men", "home", "work")})
    assert word_bias(items, four)["effect size"].value == pytest.approx(word_bias(space, four)["effect size"].value)
    assert any(f"own metric is {metric}" in note for note in word_bias(items, four).notes)
    both = Space(Keys(list(space.keys), {"user": 9, "item": len(space) - 9}), space.rows, space.metric, space.card)
    with pytest.raises(BadOption, match="group=…"):
        word_bias(both, four)


def test_shares_are_compared(lists):
    shares = dict(zip(JOBS, (0.9, 0.9, 0.7, 0.1, 0.05, 0.1), strict=True))
    report = word_bias(society(3.0), lists, shares=shares | {"baker": 0.5})
    found = report["correlation with shares"]
    assert found.n == 6
    assert found.value > 0.6
    assert table(report, "Shares").rows[0][:2] == ["nurse", 0.9]
    assert "baker" in {row[0] for row in table(report, "Missing words").rows}
    same = word_bias(society(), lists, shares=dict.fromkeys(JOBS, 0.5))
    assert "too few or too alike" in table(same, "Questions").rows[-1][-1]


def test_same_seed_same_report(lists):
    assert word_bias(society(), lists, seed=4) == word_bias(society(), lists, seed=4)


def test_bad_options_are_refused(lists):
    space = society()
    for options, message in (
        ({"lost": 1.0}, "lost is 1.0"),
        ({"strictness": -1}, "strictness is -1"),
        ({"permutations": 0}, "permutations is 0"),
    ):
        with pytest.raises(BadOption, match=message):
            word_bias(space, lists, **options)
    with pytest.raises(BadOption, match=r"nothing is asked.*There are: gender, race, religion, weat"):
        word_bias(space, "sentences")
    with pytest.raises(BadOption, match="shares go with an axis"):
        word_bias(space, "weat", shares={"nurse": 0.9})
    with pytest.raises(BadOption, match="a question has four"):
        of_words("q", {"x": ["a"]})
    empty = Space(Keys([], "word"), Rows(np.zeros((0, 3), np.float32)), space.metric, space.card)
    with pytest.raises(BadData, match="no rows"):
        word_bias(empty, lists)


def test_words_that_other_questions_name_are_no_other_keys(lists):
    # Of an encoder there are no keys but those of the lists; women and men lean, and say nothing of what is usual.
    more = "\n".join(f'"f{at}",' for at in range(40))
    text = lists.read_text() + '\n[[query]]\nname = "more"\ntargets = ["more"]\nattributes = ["home"]\n'
    lists.write_text(text.replace("[words]", f"[words]\nmore = [{more}]", 1))
    space = society(3.0, others=0)
    rng = np.random.default_rng(1)
    both = np.concatenate([space.rows.values, rng.normal(size=(40, space.dim))])
    listed = Space.of([*space.keys, *(f"f{at}" for at in range(40))], both, group="word")
    report = audit(listed, lists)
    assert "direct bias" in [each.name for each in report.findings]
    assert "direct bias of other keys" not in [each.name for each in report.findings]


@pytest.mark.data
@pytest.mark.skipif(not VECTORS.exists() or not SHARES.exists(), reason=f"no real vectors and shares in {DATA}")
def test_real_vectors_lean_as_occupations_are_shared():
    report = audit(open_vectors(VECTORS), shares=SHARES, share="bls_pct_female")
    assert report["rank correlation with shares"].low > 0.5
    assert report["direct bias"].low > report["direct bias of other keys"].high
    told = table(report, "Furthest").rows
    assert {"nurse", "homemaker", "receptionist"} <= {row[0] for row in told}


def test_memory_is_not_spent_on_all_rows(lists):
    import tracemalloc

    words = society()
    many = 200_000
    rows = np.zeros((many, 64), np.float16)
    rows[:, 0] = 1
    rows[: len(words), : words.dim] = words.rows.values
    space = Space.of([*words.keys, *(f"w{at}" for at in range(many - len(words)))], rows, group="word")
    word_bias(space, lists)  # what is imported is no memory of rows
    tracemalloc.start()
    word_bias(space, lists)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    # As float64 all rows would take 102 MB.
    assert peak < 40e6


def test_where_nothing_is_answered_nothing_is_said_of_evidence():
    space = Space.of(["one", "two", "three"], np.eye(3), group="word")
    notes = word_bias(space, "weat").notes
    assert any("Nothing could be answered" in each for each in notes)
    assert not any("evidence" in each for each in notes)
