import dataclasses

import numpy as np
import pytest
from worlds import accents, partners

import kinfold as kf
from kinfold import Space
from kinfold.core.card import Card, born
from kinfold.core.errors import BadData, BadFile, BadOption, FrameMismatch, UnknownName
from kinfold.core.keys import Keys
from kinfold.core.metric import Metric
from kinfold.core.rows import Rows
from kinfold.transform import Align
from kinfold.transform.align import comparable


def seeds(count=240, step=4):
    return [(f"a{i}", f"b{i}") for i in range(0, count, step)]


def cosines(first, second):
    first, second = (each / np.linalg.norm(each, axis=1, keepdims=True) for each in (first, second))
    return first @ second.T


@pytest.mark.parametrize("method", ["procrustes", "least-squares", "refine"])
@pytest.mark.parametrize("center", [None, False])
def test_partners_are_nearest_in_the_other_frame(method, center):
    here, there = accents()
    aligned = kf.align(here, to=there, dictionary=seeds(), method=method, center=center)
    assert aligned.frame == there.frame
    assert aligned.keys == here.keys
    assert partners(aligned, there) > 0.95
    unaligned = dataclasses.replace(here, card=there.card)
    assert partners(unaligned, there) < 0.05


@pytest.mark.parametrize("metric", ["cosine", "dot", "l2"])
@pytest.mark.parametrize("unit", [True, False])
def test_scores_in_the_frame_are_those_of_its_own_rows(metric, unit):
    here, there = accents(noise=0)
    there = dataclasses.replace(there, metric=Metric(metric))
    aligned = kf.align(here, to=there, dictionary=seeds(), unit=unit)
    assert aligned.metric == there.metric
    np.testing.assert_allclose(aligned.rows.values, there.rows.values, rtol=1e-3, atol=1e-3)
    mine, own = aligned.nearest("a7", 10), there.nearest("b7", 10)
    assert [key[1:] for key in mine.keys] == [key[1:] for key in own.keys]
    others = there.nearest(aligned["a7"], 10, exclude=["b7"])
    np.testing.assert_allclose(others.scores, own.scores, rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("unit", [True, False])
def test_what_is_near_to_all_rows_is_taken_off_and_put_on_again(unit):
    here, there = accents(noise=0.02)
    shift = np.full(here.dim, 1.0 if unit else 8.0)
    lengths = here.rows.norms[:, None] if unit else 1
    directions = here.rows.values / here.rows.norms[:, None] if unit else here.rows.values
    moved = Space.of(here.keys, lengths * (directions + shift))
    found = {}
    for center in (True, False):
        aligned = kf.align(moved, to=there, dictionary=seeds(), unit=unit, center=center)
        found[center] = np.diag(cosines(aligned.rows.values, there.rows.values)).mean()
    assert found[True] > found[False] + 0.01
    assert found[True] > 0.95


def test_a_rotation_keeps_angles_and_least_squares_bends_them():
    here, there = accents(noise=0)
    bent = Space.of(there.keys, there.rows.values * np.linspace(0.2, 3, there.dim))
    by = {
        method: kf.align(here, to=bent, dictionary=seeds(), method=method, unit=False, regularization=0)
        for method in ("procrustes", "least-squares")
    }
    np.testing.assert_allclose(by["least-squares"].rows.values, bent.rows.values, atol=1e-2)
    np.testing.assert_allclose(
        cosines(*[kf.align(here, to=bent, dictionary=seeds(), center=False).rows.values] * 2),
        cosines(*[here.rows.values] * 2),
        atol=1e-4,
    )
    assert partners(by["least-squares"], bent) > partners(by["procrustes"], bent)


def test_regularization_keeps_few_pairs_from_being_learned_by_heart():
    here, there = accents(dim=40, noise=0.3)
    found = {
        size: kf.align(here, to=there, dictionary=seeds(step=5), method="least-squares", regularization=size)
        for size in (0, 1)
    }
    reports = {size: each.card.reports[-1] for size, each in found.items()}
    assert reports[0]["pairs/cosine"].value > reports[1]["pairs/cosine"].value
    assert reports[0]["held out/cosine"].value < reports[1]["held out/cosine"].value


def test_refining_finds_the_pairs_that_few_seeds_do_not_give():
    here, there = accents(dim=24, noise=0.25)
    few = seeds(step=30)
    rough, refined = (kf.align(here, to=there, dictionary=few, method=each) for each in ("procrustes", "refine"))
    assert partners(refined, there) > partners(rough, there) + 0.2
    assert refined.card.steps[-1]["pairs"] > 5 * refined.card.steps[-1]["links"]
    small = kf.align(here, to=there, dictionary=few, method="refine", restrict=20)
    assert small.card.steps[-1]["pairs"] <= 20


def test_keys_that_both_have_are_the_pairs_where_no_dictionary_is_given():
    here, there = accents()
    same = Space.of([key.replace("b", "a") for key in there.keys][:100], there.rows.values[:100])
    aligned = kf.align(here, to=same)
    assert aligned.card.steps[-1]["links"] == 100
    assert aligned.card.steps[-1]["dictionary"] == "keys of both"
    assert partners(aligned, there_in(there, same)) > 0.95
    with pytest.raises(BadData, match="0 of 0 pairs"):
        kf.align(here, to=there)


def there_in(space, other):
    return dataclasses.replace(space, card=other.card)


def test_missing_words_are_counted_and_listed(tmp_path):
    here, there = accents()
    path = tmp_path / "pairs.tsv"
    lines = [*seeds(), ("a1", "nowhere"), ("lost", "b2"), ("lost", "b3"), ("gone", "nowhere")]
    path.write_text("".join(f"{left}\t{right}\n" for left, right in lines))
    card = kf.align(here, to=there, dictionary=path).card
    report = card.reports[-1]
    assert report["coverage"].n == 64
    assert report["coverage"].value == pytest.approx(60 / 64)
    assert [[list(row) for row in table.rows] for table in report.tables] == [
        [["lost", 2], ["gone", 1]],
        [["nowhere", 2]],
    ]
    assert card.steps[-1]["dictionary"] == "pairs.tsv"
    assert card.steps[-1]["links"] == 60


def test_the_dictionary_is_written_as_the_keys_are():
    here, there = accents()
    upper = Space.of([key.upper() for key in there.keys], there.rows.values)
    cased = [(left.upper(), right.upper()) for left, right in seeds()]
    assert kf.align(here, to=upper, dictionary=cased).card.steps[-1]["links"] == 60
    assert kf.align(here, to=there, dictionary=[*cased, *seeds()]).card.steps[-1]["links"] == 60
    with pytest.raises(BadData, match=r"'A0'.*as the keys are"):
        kf.align(here, to=there, dictionary=cased, lower=False)


def test_the_report_tells_fitted_from_held_out_and_from_chance():
    here, there = accents(dim=40, noise=0.5)
    report = kf.align(here, to=there, dictionary=seeds(step=2)).card.reports[-1]
    fit, held, chance = (report[f"{group}/cosine"] for group in ("pairs", "held out", "shuffled"))
    assert fit.value > held.value > chance.high
    assert (fit.n, held.n) == (120, 24)
    assert all(each.low <= each.value <= each.high for each in (fit, held, chance))
    assert not any("do not determine" in note for note in report.notes)
    few = kf.align(here, to=there, dictionary=seeds(count=15, step=1)).card.reports[-1]
    assert {each.group for each in few} == {"", "pairs", "shuffled"}
    assert any("15 pairs do not determine" in note for note in few.notes)


def test_lengths_keep_their_proportions():
    here, there = accents(noise=0)
    aligned = kf.align(here, to=there, dictionary=seeds(), center=False)
    np.testing.assert_allclose(aligned.rows.norms, 3 * here.rows.norms, rtol=1e-3)
    zero = Space.of([*here.keys, "nothing"], np.concatenate([here.rows.values, np.zeros((1, here.dim))]), group="word")
    assert not kf.align(zero, to=there, dictionary=seeds())["nothing"].any()


def test_fewer_dimensions_go_into_more_and_not_the_other_way():
    here, there = accents(noise=0)
    turn, _ = np.linalg.qr(np.random.default_rng(1).normal(size=(17, 17)))
    wide = Space.of(there.keys, np.pad(there.rows.values, [(0, 0), (0, 5)]) @ turn)
    aligned = kf.align(here, to=wide, dictionary=seeds())
    assert aligned.dim == 17
    np.testing.assert_allclose(aligned.rows.values, wide.rows.values, atol=1e-2)
    back = [(right, left) for left, right in seeds()]
    for method in ("procrustes", "refine"):
        with pytest.raises(BadOption, match="17 dimensions apart in 12"):
            kf.align(wide, to=here, dictionary=back, method=method)
    assert kf.align(wide, to=here, dictionary=back, method="least-squares").dim == 12


def test_the_map_of_a_mean_of_ngrams_is_the_mean_of_their_maps():
    here, there = accents()
    grams = np.random.default_rng(3).normal(size=(40, here.dim)) + 1
    keys = Keys([*here.keys, *map(str, range(40))], {"word": 240, "ngram": 40})
    parts = Space.of(keys, np.concatenate([here.rows.values, grams]))
    aligned = kf.align(parts, to=there, dictionary=seeds())
    assert aligned.groups == parts.groups
    assert aligned.card.steps[-1]["center"] is False
    maps = aligned.group("ngram").rows.values
    mean = dataclasses.replace(parts, keys=Keys(["m"]), rows=Rows(grams[:7].sum(axis=0)[None] / 9))
    fitted = Align(to=there, dictionary=seeds()).fit(parts)
    np.testing.assert_allclose(fitted.apply(mean).rows.values[0], maps[:7].sum(axis=0) / 9, atol=1e-5)


def test_one_map_serves_every_space_of_the_frame():
    here, there = accents()
    fitted = Align(to=there, dictionary=seeds()).fit(here)
    whole, some = fitted.apply(here), fitted.apply(here.take(np.arange(3, 9)))
    np.testing.assert_allclose(some.rows.values, whole.rows.values[3:9], atol=1e-6)
    assert some.frame == there.frame
    with pytest.raises(FrameMismatch, match="fit one for it"):
        fitted.apply(there)


def test_coordinates_among_the_attributes_are_left_out_and_others_kept():
    here, there = accents()
    old = here.with_attribute("context", here.rows.values.tolist()).with_attribute("own", here.rows.values.tolist())
    aligned = kf.align(old, to=there, dictionary=seeds())
    assert aligned.table.column_names == ["count"]
    assert aligned.card.steps[-1]["dropped"] == ["own", "context"]
    only = dataclasses.replace(old, table=old.table.select(["own"]))
    assert kf.align(only, to=there, dictionary=seeds()).table is None


def test_weights_of_pairs_count():
    here, there = accents(noise=0)
    right = [(a, b, 1) for a, b in seeds()]
    wrong = [(f"a{i}", f"b{(i * 7 + 90) % 240}", 1e-6) for i in range(1, 240, 2)]
    weighted = kf.sources.pairs.read([*right, *wrong], weighted=True)
    alike = [(a, b) for a, b, _ in [*right, *wrong]]
    assert partners(kf.align(here, to=there, dictionary=weighted), there) > 0.99
    assert partners(kf.align(here, to=there, dictionary=alike), there) < 0.95
    nothing = kf.sources.pairs.read([(a, b, 0) for a, b in seeds()], weighted=True)
    with pytest.raises(BadData, match="all 0"):
        kf.align(here, to=there, dictionary=nothing)


def test_the_group_is_the_first_or_the_one_that_is_named():
    here, there = accents()
    keys = Keys([*here.keys, "x"], {"word": 240, "tail": 1})
    both = Space.of(keys, np.concatenate([here.rows.values, np.ones((1, here.dim))]))
    assert len(kf.align(both, to=there, dictionary=seeds())) == 241
    with pytest.raises(BadData, match="0 of 60 pairs"):
        kf.align(both, to=Space.of(Keys(list(there.keys), "tail"), there.rows.values), dictionary=seeds(), group="tail")
    with pytest.raises(UnknownName, match="tail"):
        kf.align(both, to=there, dictionary=seeds(), group="tail")


def test_spaces_of_one_frame_are_comparable_as_they_are():
    here, there = accents()
    assert comparable(there.take(np.arange(5)), there).frame == there.frame
    assert comparable(here, there, seeds()).frame == there.frame
    with pytest.raises(FrameMismatch, match="Give a dictionary"):
        comparable(here, there)


def test_what_cannot_be_aligned_is_refused(tmp_path):
    here, there = accents()
    for options in (
        {"method": "procrusted"},
        {"rounds": 0},
        {"neighbors": True},
        {"restrict": 1},
        {"seed": -1},
        {"regularization": float("nan")},
        {"speed": 1},
    ):
        with pytest.raises(BadOption):
            kf.align(here, to=there, dictionary=seeds(), **options)
    with pytest.raises(BadOption, match="Did you mean 'procrustes'"):
        Align(to=there, method="procrusted")
    with pytest.raises(BadData, match=r"1 of 2 pairs .*'nowhere'.*at least 2"):
        kf.align(here, to=there, dictionary=[("a1", "b1"), ("nowhere", "b2")])
    with pytest.raises(BadFile):
        kf.align(here, to=there, dictionary=tmp_path / "nothing.tsv")
    values = here.rows.values.copy()
    values[8] = np.nan
    broken = Space(here.keys, Rows(values), here.metric, Card(born("x", values), "x"))
    for dictionary in (seeds(), seeds(count=8)):
        with pytest.raises(BadData, match="row 8 holds a number that is NaN"):
            kf.align(broken, to=there, dictionary=dictionary)
