"""Spaces → Report: how good vectors are, each number with its interval and the count that it rests on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kinfold.core.catalogue import Catalogue, Entry

if TYPE_CHECKING:
    from kinfold.measure.analogy import analogies
    from kinfold.measure.apart import separation
    from kinfold.measure.bias import word_bias
    from kinfold.measure.checkup import health
    from kinfold.measure.comparison import compare
    from kinfold.measure.fit import fitted
    from kinfold.measure.grouped import by_group
    from kinfold.measure.judgment import similarity
    from kinfold.measure.kinds import clusters
    from kinfold.measure.movers import movers_distance
    from kinfold.measure.neighbors import recall
    from kinfold.measure.pairs import text_pairs
    from kinfold.measure.poles import axes
    from kinfold.measure.principal import directions
    from kinfold.measure.probing import probe
    from kinfold.measure.ranking import retrieval
    from kinfold.measure.rating import ratings
    from kinfold.measure.remains import leftover
    from kinfold.measure.shown import exposure
    from kinfold.measure.sparse import features
    from kinfold.measure.sums import decomposition
    from kinfold.measure.typical import exemplars

__all__ = [
    "MEASURES",
    "analogies",
    "axes",
    "by_group",
    "clusters",
    "compare",
    "decomposition",
    "directions",
    "exemplars",
    "exposure",
    "features",
    "fitted",
    "health",
    "leftover",
    "movers_distance",
    "probe",
    "ratings",
    "recall",
    "retrieval",
    "separation",
    "similarity",
    "text_pairs",
    "word_bias",
]

MEASURES = Catalogue(
    "measure",
    Entry("analogies", "kinfold.measure.analogy:analogies", "a is to b as c is to …, in the questions-words format"),
    Entry("similarity", "kinfold.measure.judgment:similarity", "rank correlation with how people score pairs"),
    Entry(
        "recall", "kinfold.measure.neighbors:recall", "what share of the exact nearest rows an index finds, how fast"
    ),
    Entry("retrieval", "kinfold.measure.ranking:retrieval", "whether what is recommended is what users met"),
    Entry("fitted", "kinfold.measure.fit:fitted", "whether what is ranked first is what was learned from"),
    Entry("health", "kinfold.measure.checkup:health", "what is broken, idle, crowded or unsteady among the rows"),
    Entry("ratings", "kinfold.measure.rating:ratings", "how far predicted ratings are from those that users gave"),
    Entry("text_pairs", "kinfold.measure.pairs:text_pairs", "what an encoder of texts is worth on pairs of texts"),
    Entry("axes", "kinfold.measure.poles:axes", "where keys stand between two poles, and how sure that is"),
    Entry("probe", "kinfold.measure.probing:probe", "whether rows know of an attribute, beside random labels"),
    Entry("decomposition", "kinfold.measure.sums:decomposition", "why two are near: by dimensions, by parts"),
    Entry("directions", "kinfold.measure.principal:directions", "along what rows differ most, by the keys at the ends"),
    Entry("exemplars", "kinfold.measure.typical:exemplars", "the rows most typical, and those nearest of another kind"),
    Entry("features", "kinfold.measure.sparse:features", "what the features of a sparse autoencoder are"),
    Entry("leftover", "kinfold.measure.remains:leftover", "what clusters, a probe and neighbors still tell of kinds"),
    Entry("clusters", "kinfold.measure.kinds:clusters", "how well the kinds that an attribute names are apart"),
    Entry("compare", "kinfold.measure.comparison:compare", "what is different between two Spaces"),
    Entry(
        "word_bias", "kinfold.measure.bias:word_bias", "what goes with what in word lists, by all published measures"
    ),
    Entry("separation", "kinfold.measure.apart:separation", "how well rows tell the groups of an attribute"),
    Entry("exposure", "kinfold.measure.shown:exposure", "which groups of items are shown, and to which users"),
    Entry("by_group", "kinfold.measure.grouped:by_group", "whether a measurement is as good for one group as another"),
    Entry(
        "movers_distance", "kinfold.measure.movers:movers_distance", "how far the words of a text are from another's"
    ),
)


def __getattr__(name: str) -> Any:
    if name in __all__:
        return MEASURES[name]
    raise AttributeError(f"module 'kinfold.measure' has no attribute '{name}'")
