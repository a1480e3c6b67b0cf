"""Shapes in, Spaces out. To add a learner: one file, one line here, a reference in its docstring."""

from __future__ import annotations

from kinfold.core.catalogue import Catalogue, Entry

LEARNERS = Catalogue(
    "learn",
    Entry("word2vec", "kinfold.learn.word2vec:Word2Vec", "skip-gram and CBOW over sequences"),
    Entry("fasttext", "kinfold.learn.fasttext:FastText", "word2vec over words and their character n-grams"),
    Entry("doc2vec", "kinfold.learn.doc2vec:Doc2Vec", "documents as one more context of their words: PV-DBOW, PV-DM"),
    Entry("glove", "kinfold.learn.glove:GloVe", "weighted least squares on the logarithms of counts"),
    Entry(
        "svd",
        "kinfold.learn.svd:SVD",
        "truncated SVD of weighted counts; with PPMI, the closed-form baseline for words",
    ),
    Entry("als", "kinfold.learn.als:ALS", "alternating least squares on implicit feedback: users and items"),
    Entry("bpr", "kinfold.learn.bpr:BPR", "users and items by pairs of an item that was met and one that was not"),
    Entry("funksvd", "kinfold.learn.funksvd:FunkSVD", "ratings by biases and factors: users and items"),
    Entry("ease", "kinfold.learn.ease:EASE", "items from items, in closed form, where there are few of them"),
    Entry("sasrec", "kinfold.learn.sasrec:SASRec", "what comes next in sequences, by causal attention", extra="deep"),
    Entry("supervised", "kinfold.learn.supervised:Supervised", "supervised fastText: texts and their labels"),
)

# What trains encoders: shapes in, models of texts out.
TRAINERS = Catalogue(
    "trainers",
    Entry("contrast", "kinfold.learn.contrast:Contrast", "a transformer further, on pairs of texts", extra="deep"),
    Entry("mlm", "kinfold.learn.mlm:MaskedLM", "a small transformer from nothing, on masked tokens", extra="deep"),
)


def __getattr__(name: str) -> type:
    classes = {entry.place.rpartition(":")[2]: entry for entry in (*LEARNERS, *TRAINERS)}
    if name in classes:
        found: type = classes[name].load()
        return found
    raise AttributeError(f"module 'kinfold.learn' has no attribute '{name}'")
