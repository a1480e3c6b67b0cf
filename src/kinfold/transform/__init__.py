"""Space → Space. To add a transform: one file, one line here, a reference in its docstring."""

from __future__ import annotations

from kinfold.core.catalogue import Catalogue, Entry

TRANSFORMS = Catalogue(
    "transform",
    Entry(
        "clusters", "kinfold.transform.clusters:Clusters", "k-means: each row's cluster as an attribute, with a name"
    ),
    Entry(
        "autoencoder", "kinfold.transform.autoencoder:SparseAutoencoder", "features: of a few of which a row is made"
    ),
    Entry("compress", "kinfold.transform.compress:Compress", "rows as product codes, within a budget of bytes"),
    Entry("restrict", "kinfold.transform.restrict:Restrict", "the frequent part, or what fulfills a condition"),
    Entry("align", "kinfold.transform.align:Align", "into the frame of another Space, by pairs of rows"),
    Entry("hard-debias", "kinfold.transform.hard:HardDebias", "words lose the direction of pairs; pairs are equalized"),
    Entry(
        "double-hard-debias",
        "kinfold.transform.double_hard:DoubleHardDebias",
        "the same, when a direction of frequency has gone out first",
    ),
    Entry(
        "half-sibling", "kinfold.transform.half_sibling:HalfSibling", "words lose what those of a concept tell of them"
    ),
    Entry(
        "repulsion-attraction",
        "kinfold.transform.repulsion:RepulsionAttraction",
        "words move away from neighbors that a concept alone brought near",
    ),
    Entry("inlp", "kinfold.transform.inlp:INLP", "directions by which linear classifiers tell a concept, one by one"),
    Entry("leace", "kinfold.transform.leace:LEACE", "the least change after which no linear probe tells a concept"),
    Entry("retrofit", "kinfold.transform.retrofit:Retrofit", "rows of pairs in a lexicon move towards each other"),
)


def __getattr__(name: str) -> type:
    classes = {entry.place.rpartition(":")[2]: entry for entry in TRANSFORMS}
    if name in classes:
        found: type = classes[name].load()
        return found
    raise AttributeError(f"module 'kinfold.transform' has no attribute '{name}'")
