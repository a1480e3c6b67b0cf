import contextlib
import dataclasses

import numpy as np
import pytest
from oracles import health as oracle
from scipy.stats import skew, spearmanr

import kinfold as kf
from kinfold import Space, measure
from kinfold.core.card import Card, born
from kinfold.core.codes import Codes
from kinfold.core.errors import BadData, BadOption, UnknownName
from kinfold.core.intervals import of_share
from kinfold.core.keys import Keys
from kinfold.core.metric import Metric
from kinfold.core.rows import Rows
from kinfold.measure.intrinsic import levina_bickel, two_nn
from kinfold.measure.spectrum import Spectrum
from kinfold.measure.survey import survey


def cloud(size=400, dim=12, seed=0, metric="cosine", spread=None):
    rng = np.random.default_rng(seed)
    rows = rng.normal(size=(size, dim)) * (1 if spread is None else spread)
    return Space.of([f"k{i}" for i in range(size)], rows, metric=metric)


def raw(rows, keys=None, **options):
    """A Space of any rows, those that are not finite too, as files may hold them."""
    rows = np.asarray(rows, np.float32)
    keys = [f"k{i}" for i in range(len(rows))] if keys is None else keys
    return Space(Keys(keys), Rows(rows), Metric.COSINE, Card(born("given", rows), "given"), **options)


def reading(report, part):
    return next(row for row in report.tables[0].rows if row[0] == part)


def spectrum(rows):
    return Spectrum.of(survey(Space.of(range(len(rows)), rows, metric="l2")))


# Dimensions


def test_isoscore_is_the_published_one_and_has_its_properties():
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(300, 9)) * np.geomspace(3, 0.1, 9)
    found = spectrum(rows).isoscore
    assert found == pytest.approx(oracle.isoscore(rows), abs=1e-6)
    turn, _ = np.linalg.qr(rng.normal(size=(9, 9)))
    for other in (rows + 40, 7 * rows, rows @ turn):
        assert spectrum(other).isoscore == pytest.approx(found, abs=1e-4)
    sides = np.concatenate([np.eye(6), -np.eye(6)])
    assert spectrum(sides).isoscore == pytest.approx(1)
    for used in (1, 2, 4):  # that many of 6 dimensions alike, and none of the others
        assert spectrum(sides * (np.arange(6) < used)).isoscore == pytest.approx((used - 1) / 5)
    assert np.isnan(spectrum(rows[:, :1]).isoscore)


def test_ranks_are_those_of_the_singular_values():
    rows = np.random.default_rng(1).normal(size=(200, 10)) * np.geomspace(2, 0.05, 10)
    found = spectrum(rows)
    assert found.effective_rank == pytest.approx(oracle.effective_rank(rows), rel=1e-5)
    values = np.linalg.svd(rows - rows.mean(axis=0), compute_uv=False) ** 2
    assert found.participation == pytest.approx(values.sum() ** 2 / (values**2).sum(), rel=1e-5)
    share = np.cumsum(values) / values.sum()
    assert found.carrying(0.9) == int(np.argmax(share >= 0.9)) + 1
    assert found.explained(3) == pytest.approx(share[2], abs=1e-6)


def test_rows_wider_than_what_is_summed_have_the_same_spectrum(monkeypatch):
    from kinfold.measure import spectrum as module
    from kinfold.measure import survey as surveying

    space = cloud(80, 40, spread=np.geomspace(1, 0.1, 40))
    whole = measure.health(space)
    monkeypatch.setattr(surveying, "WIDEST", 20)
    monkeypatch.setattr(module, "WIDEST", 80)
    wide = measure.health(space)
    for name in ("effective rank", "isoscore", "neighbors kept by 32 dimensions"):
        assert wide[name].value == pytest.approx(whole[name].value, rel=1e-3)
    assert any("wider" in note for note in wide.notes)


@pytest.mark.parametrize("metric", ["cosine", "dot", "l2"])
def test_neighbors_that_a_plane_keeps(metric):
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(300, 3)) @ rng.normal(size=(3, 24)) + 1e-4 * rng.normal(size=(300, 24))
    report = measure.health(Space.of(range(300), rows, metric=metric))
    assert report["dimensions with 99 % of variance"].value <= 3
    table = next(each for each in report.tables if "kept by fewer" in each.title)
    kept = {row[0]: row[1] for row in table.rows}
    assert kept[4] > 0.95
    assert kept[2] < 0.8
    verdict, said, advice = reading(report, "dimension")[1:]
    assert verdict == "look"
    assert "of 24 dimensions carry 90 % of the variance" in said
    assert "4 would keep" in said
    assert "A dim of 4" in advice


@pytest.mark.parametrize("dim", [2, 5])
def test_intrinsic_dimension_of_known_manifolds(dim):
    rng = np.random.default_rng(dim)
    flat = rng.random((1500, dim)) @ np.linalg.qr(rng.normal(size=(20, dim)))[0].T
    report = measure.health(Space.of(range(1500), flat, metric="l2"))
    for name in ("intrinsic dimension (TwoNN)", "intrinsic dimension (MLE, 20 nearest)"):
        found = report[name]
        assert found.low < found.value < found.high
        assert found.value == pytest.approx(dim, rel=0.15)


def test_a_curve_is_one_dimension_however_it_bends():
    at = np.sort(np.random.default_rng(0).random(900)) * 20
    curve = np.stack([np.cos(at), np.sin(at), at / 3], axis=1)
    assert measure.health(Space.of(range(900), curve, metric="l2"))["intrinsic dimension (TwoNN)"].value < 1.2


def test_intervals_of_the_dimension_cover_the_truth():
    rng = np.random.default_rng(0)
    hits = {"two": 0, "mle": 0}
    for _ in range(150):
        # Of ratios as they are in 7 dimensions: ln(second / first) is exponential.
        _, low, high = two_nn(np.ones(400), np.exp(rng.exponential(1 / 7, 400)))
        hits["two"] += low < 7 < high
        radii = np.sort(rng.random((150, 10)) ** (1 / 7), axis=1)
        _, low, high = levina_bickel(radii)
        hits["mle"] += low < 7 < high
    assert 0.9 <= hits["two"] / 150 <= 0.99
    assert 0.88 <= hits["mle"] / 150 <= 0.99


def test_values_are_those_of_the_reference_libraries():
    """IsoScore 2.0.1, and TwoNN and MLE (20 neighbors) of scikit-dimension, on the same rows."""
    rng = np.random.default_rng(0)
    oval = rng.normal(size=(1500, 12)) * np.geomspace(2, 0.2, 12)
    flat = rng.random((2000, 5)) @ np.linalg.qr(rng.normal(size=(20, 5)))[0].T
    found, other = (measure.health(Space.of(range(len(each)), each, metric="l2")) for each in (oval, flat))
    assert found["isoscore"].value == pytest.approx(0.3457, abs=1e-4)
    assert other["isoscore"].value == pytest.approx(0.2098, abs=1e-4)
    assert other["intrinsic dimension (TwoNN)"].value == pytest.approx(4.6086, rel=0.01)
    assert other["intrinsic dimension (MLE, 20 nearest)"].value == pytest.approx(4.4518, rel=0.005)


def test_too_few_rows_tell_no_intrinsic_dimension():
    assert np.isnan(two_nn(np.ones(5), 2 * np.ones(5))).all()
    assert np.isnan(two_nn(np.zeros(50), np.ones(50))).all()
    assert np.isnan(two_nn(np.ones(50), np.ones(50))).all()
    assert np.isnan(levina_bickel(np.ones((50, 2)))).all()
    assert np.isnan(levina_bickel(np.ones((50, 9)))).all()


# One direction


@pytest.mark.parametrize("metric", ["cosine", "dot"])
def test_rows_that_share_a_direction_are_seen(metric):
    space = cloud(300, 16, metric=metric)
    plain = measure.health(space)
    assert abs(plain["mean cosine of two rows"].value) < 0.02
    assert reading(plain, "isotropy")[1] == "fine"
    moved = np.array(space.rows.values)
    moved[:, 5] += 6
    report = measure.health(Space.of(range(300), moved, metric=metric))
    units = moved / np.linalg.norm(moved, axis=1, keepdims=True)
    every = units @ units.T
    true = every[~np.eye(300, dtype=bool)].mean()
    assert report["mean cosine of two rows"].value == pytest.approx(true, abs=1e-4)
    _, verdict, said, advice = reading(report, "isotropy")
    assert verdict == "act"
    assert "in coordinate 5" in said
    assert "Subtract the mean" in advice
    centered = measure.health(Space.of(range(300), moved - moved.mean(axis=0), metric=metric))
    assert reading(centered, "isotropy")[1] == "fine"


# Hubs


@pytest.mark.parametrize("metric", ["cosine", "dot", "l2"])
def test_hubs_are_those_of_all_pairs(metric):
    rows = np.random.default_rng(2).normal(size=(150, 30)).astype(np.float32) + 0.3
    report = measure.health(Space.of([f"k{i}" for i in range(150)], rows, metric=metric), k=5)
    scored = oracle.scores(rows, metric)
    plain = np.array(oracle.occurrences(scored, 5))
    less = np.array(oracle.occurrences(oracle.csls(scored, 5), 5))
    for name, counted in (("", plain), (" by CSLS", less)):
        found = report[f"skewness of 5-occurrence{name}"]
        assert found.value == pytest.approx(skew(counted), abs=0.05)
        assert report[f"antihubs{name}"].value == pytest.approx((counted == 0).mean(), abs=0.01)
    assert report["skewness of 5-occurrence"].low < skew(plain) < report["skewness of 5-occurrence"].high
    hubs = next(each for each in report.tables if each.title == "Hubs")
    key, often, _ = hubs.rows[0]
    assert often == plain.max() == plain[int(key[1:])]


def test_a_planted_hub_is_named():
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(400, 60))
    rows[7] = rows.mean(axis=0)  # near to everything
    report = measure.health(Space.of([f"k{i}" for i in range(400)], rows, metric="l2"))
    hubs = next(each for each in report.tables if each.title == "Hubs")
    assert hubs.rows[0][:2] == ["k7", 399]
    _, verdict, said, _ = reading(report, "hubs")
    assert verdict == "act"
    assert "'k7' is among the 10 nearest of 399 rows" in said


def test_csls_takes_hubs_away_and_is_advised():
    report = measure.health(cloud(600, 80, metric="l2"))
    before, after = (report[f"skewness of 10-occurrence{name}"] for name in ("", " by CSLS"))
    assert before.low > 1.4
    assert before.value > 2 * after.value
    assert report["antihubs"].low > report["antihubs by CSLS"].high
    assert "CSLS" in reading(report, "hubs")[3]


# Rows


def test_broken_rows_are_counted_named_and_left_out():
    rows = np.random.default_rng(0).normal(size=(200, 8))
    rows[3], rows[9, 2], rows[11] = np.nan, np.inf, 0
    rows[50] = rows[51] = rows[52] = rows[4]
    rows[60] = -0.0
    report = measure.health(raw(rows))
    assert report["rows"].value == 200
    assert report["rows not finite"].value == 2
    assert report["rows of zeros"].value == 2
    assert report["rows like another"].value == 3
    told = {table.title: table.rows for table in report.tables}
    assert [row[0] for row in told["Rows not finite"]] == ["k3", "k9"]
    assert [row[0] for row in told["Rows of zeros"]] == ["k11", "k60"]
    assert told["Rows that are the same"] == [[4, "k4", "k50, k51, k52"]]
    assert reading(report, "rows")[1] == "act"
    assert "2 of 200 rows hold NaN" in reading(report, "rows")[2]
    assert "dedup" in reading(report, "same rows")[3]
    whole, once = (
        measure.health(raw(np.delete(rows, at, axis=0))) for at in ([3, 9, 11, 60], [3, 9, 11, 50, 51, 52, 60])
    )
    for name in ("effective rank", "isoscore"):
        assert report[name].value == pytest.approx(whole[name].value, abs=1e-6)
    for name in ("antihubs", "rows with a near-duplicate", "intrinsic dimension (TwoNN)"):
        assert report[name].value == pytest.approx(once[name].value, abs=1e-6)


@pytest.mark.parametrize("metric", ["cosine", "l2"])
def test_near_duplicates_are_found_with_their_partner(metric):
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(300, 20))
    rows[:30] = rows[100:130] + 0.01 * rng.normal(size=(30, 20))
    report = measure.health(Space.of([f"k{i}" for i in range(300)], rows, metric=metric))
    found = report["rows with a near-duplicate"]
    assert found.value == pytest.approx(60 / 300)
    assert found.low is None  # all rows were asked
    table = next(each for each in report.tables if each.title == "Nearly the same")
    assert {(one, other) for one, other, _ in table.rows} <= {(f"k{i}", f"k{i + 100}") for i in range(30)}
    assert reading(report, "near-duplicates")[1] == "look"


def test_a_share_of_none_has_an_interval():
    from scipy.stats import binomtest

    for some, of in ((0, 50), (7, 50), (50, 50)):
        true = binomtest(some, of).proportion_ci(method="exact")
        assert of_share(some, of) == pytest.approx((true.low, true.high))
    with pytest.raises(BadData):
        of_share(1, 0)


def test_rows_that_were_never_trained_are_told_with_the_reason():
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(100, 20))
    rows[90:] = (rng.random((10, 20)) - 0.5) / 20  # as word2vec begins
    space = Space.of([f"k{i}" for i in range(100)], rows)
    counts = np.arange(100, 0, -1)
    counts[5] = 0
    report = measure.health(space.with_attribute("count", counts))
    assert report["rows never trained"].value == 11
    table = next(each for each in report.tables if each.title == "Rows that look untrained")
    why = dict(table.rows)
    assert why["k5"] == "it occurs 0 times"
    assert "±1/dim" in why["k95"]
    assert "min-count" in reading(report, "training")[3]
    # Rows that are all as small say nothing.
    assert measure.health(Space.of(range(100), rows / 1000))["rows never trained"].value == 0


def test_output_rows_that_are_still_zero_are_seen():
    space = kf.words(["a b c d e f g h"] * 200, dim=12, threads=1, min_count=1, subsample=0)
    assert measure.health(space)["rows never trained"].value == 0
    context = np.array(space.attribute("context").to_pylist(), np.float32)
    context[2] = 0
    from kinfold.core.columns import lists_of

    report = measure.health(space.with_attribute("context", lists_of(context)))
    table = next(each for each in report.tables if each.title == "Rows that look untrained")
    assert [row[0] for row in table.rows] == [space.keys[2]]


def test_norm_against_frequency():
    rng = np.random.default_rng(0)
    counts = np.arange(300, 0, -1)
    rows = rng.normal(size=(300, 16)) * np.sqrt(counts)[:, None] * rng.uniform(0.8, 1.2, (300, 1))
    space = Space.of(range(300), rows, metric="dot").with_attribute("count", counts)
    report = measure.health(space)
    found = report["norm against count (Spearman)"]
    assert found.value == pytest.approx(spearmanr(counts, np.linalg.norm(rows, axis=1)).statistic, abs=1e-5)
    assert found.low < found.value < found.high
    assert reading(report, "norms")[1] == "look"
    table = next(each for each in report.tables if each.title == "Norm by frequency")
    assert table.rows[-1][3] > 3 * table.rows[0][3]
    shuffled = space.with_attribute("count", rng.permutation(counts))
    assert reading(measure.health(shuffled), "norms")[1] == "fine"


# Other runs


def test_runs_that_agree_and_runs_that_do_not():
    rng = np.random.default_rng(0)
    space = cloud(300, 10)
    turn, _ = np.linalg.qr(rng.normal(size=(10, 10)))
    rows = np.array(space.rows.values)
    # The same in other coordinates and another order, and with more keys; one key has moved elsewhere.
    moved = rows @ turn
    moved[17] = -moved[17]
    order = rng.permutation(300)
    same = Space.of([f"k{i}" for i in order] + ["more"], np.concatenate([moved[order], moved[:1]]))
    report = measure.health(space, beside={"same": same, "noise": cloud(300, 10, seed=9)})
    found, noise = (report[f"nearest 10 shared with {name}"] for name in ("same", "noise"))
    assert found.value > 0.9
    assert noise.value == pytest.approx(10 / 299, abs=0.02)
    assert noise.low < noise.value < noise.high
    table = next(each for each in report.tables if each.title == "Moved most, beside same")
    assert table.rows[0][0] == "k17"
    assert [row[1] for row in report.tables[0].rows if row[0] == "stability"] == ["fine", "act"]


def test_what_two_runs_share_is_that_of_all_pairs():
    one, other = cloud(60, 6), cloud(60, 6, seed=3)
    found = measure.health(one, beside=other, k=7)["nearest 7 shared with run 2"]
    near = [np.argsort(-oracle.scores(each.rows.values, "cosine"), axis=1)[:, :7] for each in (one, other)]
    assert found.value == pytest.approx(np.mean([len(set(a) & set(b)) / 7 for a, b in zip(*near, strict=True)]))


def test_runs_without_shared_keys_are_told():
    report = measure.health(cloud(50, 6), beside=[Space.of(["x", "y"], [[1, 0], [0, 1]])])
    assert any("fewer than 3 keys" in note for note in report.notes)


# Any Space


def test_each_group_is_looked_at_as_it_is_compared():
    rng = np.random.default_rng(0)
    keys = Keys([f"u{i}" for i in range(60)] + [f"i{i}" for i in range(50)], {"user": 60, "item": 50})
    rows = rng.normal(size=(110, 8)).astype(np.float32)
    card = dataclasses.replace(Card(born("als", rows), "als"), data={"interactions": 100, "biases": 2})
    space = Space(keys, Rows(rows), Metric.DOT, card)
    report = measure.health(space)
    assert report["user/rows"].value == 60
    assert report["item/rows"].value == 50
    assert {row[0].split(" · ")[0] for row in report.tables[0].rows} == {"user", "item"}
    alone = Space.of(range(50), rows[60:, :6])  # by cosine, without the biases
    for name in ("effective rank", "skewness of 10-occurrence", "mean cosine of two rows"):
        assert report[f"item/{name}"].value == pytest.approx(measure.health(alone)[name].value, rel=1e-5)
    assert measure.health(space, group="item")["rows"].value == 50


def test_ngrams_are_left_out_unless_asked_for():
    keys = Keys([f"w{i}" for i in range(30)] + [str(i) for i in range(40)], {"word": 30, "ngram": 40})
    space = Space.of(keys, np.random.default_rng(0).normal(size=(70, 5)))
    assert measure.health(space)["rows"].value == 30
    assert measure.health(space, group="ngram")["rows"].value == 40


def test_float16_and_codes_are_read_as_they_are():
    rng = np.random.default_rng(0)
    books = rng.normal(size=(4, 256, 3)).astype(np.float32)
    codes = Codes(rng.integers(0, 256, (300, 4)).astype(np.uint8), books, 12)
    for rows in (codes, codes[:].astype(np.float16)):
        space = dataclasses.replace(raw(codes[:]), rows=Rows(rows))
        report, dense = measure.health(space), measure.health(raw(np.asarray(rows, np.float32)))
        for one, other in zip(report.findings, dense.findings, strict=True):
            assert one.value == pytest.approx(other.value, rel=1e-4, abs=1e-6), one.name


def test_a_sample_stands_for_all_and_says_so():
    space = cloud(3000, 12, spread=np.geomspace(1, 0.2, 12))
    whole, some = measure.health(space, sample=3000), measure.health(space, sample=500, seed=3)
    assert some["isoscore"].value == whole["isoscore"].value  # of all rows
    assert some["antihubs"].n == 500
    assert any("500 of 3,000 rows, drawn with seed 3" in note for note in some.notes)
    assert some.to_dict() == measure.health(space, sample=500, seed=3).to_dict()


@pytest.mark.parametrize("metric", ["cosine", "dot", "l2"])
def test_few_rows_one_coordinate_and_nothing_but_zeros(metric):
    for rows in ([[1.0, 2.0]], [[0.0, 0.0]] * 5, [[1.0]], [[1.0]] * 4, np.eye(3), np.arange(40.0)[:, None]):
        report = measure.health(Space.of(range(len(rows)), rows, metric=metric))
        assert all(np.isfinite(each.value) for each in report.findings)
        assert report["rows"].n is None
        assert report["rows"].value == len(rows)
        kf.show.text.render(report)
    assert any("3 would do" in note for note in measure.health(Space.of(["a"], [[1.0, 0]], metric=metric)).notes)


def spoilt(kind, rng):
    """Rows that are hard in one way."""
    rows = rng.normal(size=(int(rng.choice([2, 4, 9, 40])), int(rng.choice([1, 2, 9]))))
    many = rng.random(len(rows))[:, None]
    return {
        "tiny or huge": lambda: rows * 10.0 ** rng.integers(-45, 37),
        "of all lengths": lambda: rows * 10.0 ** rng.integers(-30, 18, many.shape),
        "on a grid": lambda: np.round(rows),
        "half zero": lambda: np.where(many < 0.5, 0, rows),
        "half NaN": lambda: np.where(many < 0.5, np.nan, rows),
        "with infinities": lambda: np.where(rng.random(rows.shape) < 0.2, np.inf, rows),
        "all the same": lambda: rows * 0 + rows[0],
    }[kind]()


KINDS = "tiny or huge", "of all lengths", "on a grid", "half zero", "half NaN", "with infinities", "all the same"


@pytest.mark.parametrize("kind", KINDS)
def test_whatever_the_rows_no_warning_and_no_number_that_is_none(kind):
    rng = np.random.default_rng(len(kind))
    for metric in Metric:
        for _ in range(3):
            with np.errstate(over="ignore"):
                rows = spoilt(kind, rng).astype(rng.choice([np.float32, np.float16]))
            keys = [f"k{i}" for i in range(len(rows))]
            space = Space(Keys(keys), Rows(rows), metric, Card("f", "given"))
            space = space.with_attribute("count", rng.integers(0, 4, len(rows)))
            report = measure.health(space, beside=space, k=int(rng.integers(1, 12)))
            assert all(np.isfinite(each.value) for each in report.findings)
            kf.show.text.render(report)
            with contextlib.suppress(BadData):  # where too few are left
                chosen = kf.choose.dimension(space, beside=space)
                assert all(np.isfinite(each.value) for each in chosen.findings)


def test_all_rows_broken_is_told_and_nothing_more():
    report = measure.health(raw(np.full((20, 4), np.nan)))
    assert report["rows not finite"].value == 20
    assert "effective rank" not in [each.name for each in report.findings]


def test_rows_so_long_that_their_square_is_infinite_are_not_finite():
    rows = np.random.default_rng(0).normal(size=(50, 4)).astype(np.float32)
    rows[0] = 1e30
    rows[1] *= np.float32(1e15)
    report = measure.health(dataclasses.replace(raw(rows), metric=Metric.L2))
    assert report["rows not finite"].value == 1
    assert all(np.isfinite(each.value) for each in report.findings)


def test_what_cannot_be_looked_at_is_refused():
    with pytest.raises(BadData, match="no rows"):
        measure.health(Space.of([], np.zeros((0, 3))))
    with pytest.raises(BadData, match="no rows"):
        measure.health(Space.of(["a"], np.zeros((1, 0))))
    with pytest.raises(BadOption, match="at most 1,000"):
        measure.health(cloud(), k=1001)
    with pytest.raises(BadOption, match="k=0"):
        measure.health(cloud(), k=0)
    with pytest.raises(BadOption, match="near is 1"):
        measure.health(cloud(), near=1.0)
    with pytest.raises(UnknownName, match="no group"):
        measure.health(cloud(), group="word")


def test_sentences_have_no_powers_of_ten_and_bands_are_numbers():
    report = kf.measure.health(
        Space.of(range(500), np.random.default_rng(0).normal(size=(500, 40))).with_attribute("count", range(1, 501))
    )
    assert "e-" not in reading(report, "isotropy")[2]
    (bands,) = [each for each in report.tables if each.title == "Norm by frequency"]
    assert all(isinstance(value, float) for row in bands.rows for value in row[:2])
