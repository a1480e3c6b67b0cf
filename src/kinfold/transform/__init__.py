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
    Entry("retrofit", "kinfold.transform.retrofit:Retrofit", "rows of pairs in a lexicon move towards each other"),
)


def __getattr__(name: str) -> type:
    classes = {entry.place.rpartition(":")[2]: entry for entry in TRANSFORMS}
    if name in classes:
        found: type = classes[name].load()
        return found
    raise AttributeError(f"module 'kinfold.transform' has no attribute '{name}'")
