"""Search: texts that answer a question, by what they mean, by the words that they have, or by both.

Example:
    >>> from kinfold.core.space import Space
    >>> space = Space.of(["a", "b"], [[1, 0], [0, 1]], group="document")
    >>> space = space.with_attribute("text", ["The cat sat on the mat.", "A dog barked all night."])
    >>> search(space, "who barked", how="bm25", k=1)[0].keys
    ['b']
"""

from __future__ import annotations

import dataclasses
import functools
import os
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

import numpy as np

from kinfold.core.columns import to_arrow
from kinfold.core.errors import BadData, BadOption, FrameMismatch, UnknownName, did_you_mean
from kinfold.core.intervals import of_difference, of_mean
from kinfold.core.nearest import among, checked_k
from kinfold.core.progress import Progress, quiet
from kinfold.core.report import Finding, Report, Table
from kinfold.core.shapes import Items
from kinfold.core.space import Space
from kinfold.kernels.ranked import worth
from kinfold.search.bm25 import BM25, first, texts_of
from kinfold.tasks.found import Found, fused, places
from kinfold.tasks.snippets import snippet

How = Literal["hybrid", "dense", "bm25"]
HOWS: tuple[How, ...] = ("hybrid", "dense", "bm25")
# Groups that hold texts, where none is named.
GROUPS = ("document", "chunk")
# Of either way so many texts, and so many times k, take part in a hybrid.
_DEPTH, _TIMES = 100, 5
_EMPTY = np.zeros(0, np.int64), np.zeros(0, np.float32)


class _Candidates(NamedTuple):
    """What a question finds either way: rows and scores, the best first; None where it was not looked for so."""

    vector: np.ndarray | None
    dense: tuple[np.ndarray, np.ndarray]
    bm25: tuple[np.ndarray, np.ndarray]
    # By row: what all of these score by their words.
    shared: tuple[np.ndarray, np.ndarray]


@dataclass(frozen=True, eq=False)
class Searcher:
    """A Space of texts that questions are asked of; what is needed for them is loaded when the first one is asked.

    Args:
        space: Texts, with their rows.
        model: What gives questions their rows: an encoder, the folder of a transformer, or the Space or file of the
            words that the texts were made of; by default what the Space remembers.
        group: Where to look; by default the documents, the chunks, or else the first group.
        text: The attribute that holds the texts.
        index: Of the Space's rows, to be asked in place of all of them.
        words: BM25 of the texts; built when it is needed where it is None.
        prompt: What is put before questions: the name of one of the model's prompts, or a text; by default the prompt
            called query where there is one.
        rerank: A cross-encoder, or its folder: orders the best hits anew.

    Raises:
        FrameMismatch: The model's rows are in another frame than the Space's.
        UnknownName: There is no such group.
    """

    space: Space
    model: Any = None
    group: str | None = None
    text: str = "text"
    index: Any = None
    words: BM25 | None = None
    prompt: str | None = None
    rerank: Any = None

    def __post_init__(self) -> None:
        there = self.space.groups
        named = self.group or next((each for each in GROUPS if each in there), None)
        part = self.space.group(named)
        if self.index is not None:
            self.space.same_frame(self.index.space)
        object.__setattr__(self, "group", next(iter(part.groups)))

    def find(
        self,
        questions: str | Sequence[str],
        k: int = 10,
        *,
        how: How = "hybrid",
        where: str | None = None,
        weights: Sequence[float] = (1, 1),
        depth: int = 50,
        threads: int | None = None,
        progress: Progress = quiet,
    ) -> list[Found]:
        """The k texts that answer each question best.

        Args:
            questions: One, or several.
            k: Texts wanted for each; fewer come back only where fewer are found.
            how: dense, by the nearness of rows; bm25, by shared words; hybrid, by the ranks of a text in both:
                the sum of weight / (60 + rank).
            where: An SQL condition on key, group and attributes that every hit fulfills.
            weights: Of dense and bm25 in a hybrid.
            depth: How many hits a cross-encoder orders anew, where there is one.
            threads: How many work at once; as many as there are processors by default.
            progress: Told of the stages.

        Raises:
            BadOption: A question is empty, there is no such way, `k` is below 1, or the condition is bad.
            BadData: The Space has no texts, or no model is known.
            FrameMismatch: The model's rows are in another frame than the Space's.

        Source:
            Cormack, Clarke, Buettcher 2009 (reciprocal rank fusion).
        """
        asked = [questions] if isinstance(questions, str) else list(questions)
        shares = _checked(asked, how, weights)
        most = max(checked_k(k), depth if self.rerank is not None else 1)
        ways = ("dense", "bm25") if how == "hybrid" else (how,)
        candidates = self._candidates(asked, ways, most, where, threads, progress)
        found = [
            self._found(question, each, how, shares, most) for question, each in zip(asked, candidates, strict=True)
        ]
        if self.rerank is not None:
            found = self._reranked(found, threads, progress)
        return [self._told(each.take(np.arange(min(k, len(each))))) for each in found]

    @functools.cached_property
    def encoder(self) -> Any:
        """What gives questions their rows.

        Raises:
            FrameMismatch: Its rows are in another frame than the Space's.
            BadData: The Space does not remember one.
        """
        found = self.model
        if found is None or isinstance(found, str | os.PathLike | Space):
            found = _opened(self.space, found)
        if getattr(found, "things", "texts") != "texts":
            raise BadData(f"the model gives rows to {found.things}, not to texts; name one that does: model=FOLDER")
        prompts = getattr(getattr(found, "checkpoint", None), "prompts", None)
        if prompts is None and self.prompt is not None:
            raise BadOption("prompt goes with transformers; this model has none. Put it into the question.")
        if prompts is not None:
            prompt = self.prompt if self.prompt is not None else "query" if "query" in prompts else found.prompt
            # One that is as it should be keeps what it has loaded.
            found = found if prompt == found.prompt else dataclasses.replace(found, prompt=prompt)
        if found.frame != self.space.frame:
            raise FrameMismatch(
                f"the model's rows are in the frame {found.frame}, the texts' in {self.space.frame}, so that they "
                "cannot be compared. Name the model that made the texts' rows: model=FOLDER, or encode the texts anew."
            )
        return found

    @functools.cached_property
    def bm25(self) -> BM25:
        """The words of the texts."""
        if self.words is not None:
            self.space.same_frame(self.words.space)
            return self.words
        self._texts  # noqa: B018 - says what to do where there are none
        return BM25.build(self.space, self.text, group=self.group)

    @functools.cached_property
    def _texts(self) -> Any:
        try:
            return texts_of(self.space, self.text)
        except UnknownName as error:
            raise BadData(
                f"{error} Words are looked for in an attribute of texts: name it, text=NAME, keep the texts when they "
                "are encoded, or search by rows alone, how='dense'."
            ) from error

    def _candidates(
        self,
        questions: list[str],
        ways: Sequence[str],
        k: int,
        where: str | None,
        threads: int | None,
        progress: Progress,
    ) -> list[_Candidates]:
        depth = k if len(ways) == 1 else max(_DEPTH, _TIMES * k)
        words = self.bm25 if "bm25" in ways else None
        found = [_Candidates(None, _EMPTY, _EMPTY, _EMPTY)] * len(questions)
        if "dense" in ways:
            known, vectors = self._vectors(questions, threads, progress)
            searched = self.space if self.index is None else self.index
            hits = searched.nearest_many(vectors, depth, where=where, group=self.group) if len(known) else []
            for at, vector, each in zip(known.tolist(), vectors, hits, strict=True):
                found[at] = _Candidates(vector, (each.rows, each.scores), _EMPTY, _EMPTY)
        if words is None:
            return found
        allowed = None if where is None else self.space.where(where)
        matches = words.matches(questions, among(self.space, self.group, allowed))
        for at, (rows, scores) in enumerate(matches):
            best = first(scores, depth)
            # Of all that share a word, which may be most texts, only what may be told is kept.
            told = np.unique(np.concatenate([rows[best], found[at].dense[0]]))
            place = np.minimum(np.searchsorted(rows, told), max(len(rows) - 1, 0))
            held = np.zeros(len(told), np.float32)
            if len(rows):
                held = np.where(rows[place] == told, scores[place], np.float32(0))
            found[at] = found[at]._replace(bm25=(rows[best], scores[best]), shared=(told, held))
        return found

    def _vectors(self, questions: list[str], threads: int | None, progress: Progress) -> tuple[np.ndarray, np.ndarray]:
        """Which questions have a row, and their rows; one whose words are all unknown has none."""
        if hasattr(self.encoder, "vectors"):
            progress.start("encode", len(questions), "questions")
            return np.arange(len(questions)), self.encoder.vectors(questions, threads=threads, progress=progress)
        try:
            made = self.encoder.encode(Items(questions), threads=threads, progress=progress)
        except BadData:
            if len(questions) == 1:
                return np.zeros(0, np.int64), np.zeros((0, self.space.dim), np.float32)
            each = [self._vectors([question], threads, progress) for question in questions]
            known = np.flatnonzero([len(some) for some, _ in each])
            return known, np.concatenate([rows for _, rows in each])
        rows = made.rows.dense()
        kept = made.rows.norms > 0
        return np.array([int(key) for key in made.keys], np.int64)[kept], rows[kept]

    def _found(self, question: str, of: _Candidates, how: str, weights: np.ndarray, k: int) -> Found:
        if how == "hybrid":
            rows, scores = fused([of.dense[0], of.bm25[0]], weights)
        else:
            rows, scores = of.dense if how == "dense" else of.bm25
        rows, scores = rows[:k], scores[:k].astype(np.float32)
        parts: dict[str, np.ndarray] = {}
        ranks: dict[str, np.ndarray] = {}
        if how != "bm25":
            parts["dense"] = np.full(len(rows), np.nan, np.float32)
            if of.vector is not None and len(rows):
                parts["dense"] = self.space.metric.between(of.vector[None], self.space.rows.take(rows))[0]
        if how != "dense":
            parts["bm25"] = of.shared[1][np.searchsorted(of.shared[0], rows)]
        if how == "hybrid":
            ranks = {"dense": places(of.dense[0], rows), "bm25": places(of.bm25[0], rows)}
            parts["hybrid"] = scores
        keys = self.space.keys.names.take(to_arrow(rows)).to_pylist()
        return Found(keys, scores, rows, question, parts, ranks)

    def _reranked(self, found: list[Found], threads: int | None, progress: Progress) -> list[Found]:
        from kinfold.search.rerank import CrossEncoder

        judge = self.rerank if hasattr(self.rerank, "scores") else CrossEncoder(self.rerank)
        pairs = [(each.query, self._texts[int(row)].as_py()) for each in found for row in each.rows]
        scores = judge.scores(pairs, threads=threads, progress=progress)
        made, begin = [], 0
        for each in found:
            own = scores[begin : begin + len(each)]
            begin += len(each)
            each = dataclasses.replace(each, scores=own, parts={**each.parts, "rerank": own})
            made.append(each.take(first(own, len(own))))
        return made

    def _told(self, found: Found) -> Found:
        """The hits with what their texts say, where there are texts."""
        try:
            texts = [self._texts[int(row)].as_py() for row in found.rows]
        except BadData:
            return found
        return dataclasses.replace(found, snippets=[snippet(text, found.query) for text in texts])


def search(
    space: Space,
    questions: str | Sequence[str],
    *,
    k: int = 10,
    how: How = "hybrid",
    where: str | None = None,
    weights: Sequence[float] = (1, 1),
    threads: int | None = None,
    progress: Progress = quiet,
    **parts: Any,
) -> list[Found]:
    """The k texts of a Space that answer each question best: `Searcher(space, **parts).find(questions, …)`."""
    searcher = Searcher(space, **parts)
    return searcher.find(questions, k, how=how, where=where, weights=weights, threads=threads, progress=progress)


def evaluate(
    searcher: Searcher | Space,
    questions: Sequence[str],
    relevant: Sequence[Collection[str]],
    *,
    ks: Sequence[int] = (1, 10),
    hows: Sequence[How] = HOWS,
    where: str | None = None,
    weights: Sequence[float] = (1, 1),
    seed: int = 0,
    threads: int | None = None,
    progress: Progress = quiet,
) -> Report:
    """How many of the texts that answer questions are found, and how far up, by each way.

    Args:
        searcher: The texts, and how they are asked.
        questions: Some.
        relevant: The keys of the texts that answer each.
        ks: Lengths of the lists; reciprocal ranks are of the longest.
        hows: Ways that are judged.
        where: An SQL condition on what is looked for.
        weights: As of `Searcher.find`.
        seed: Of the intervals, which resample questions.
        threads: How many work at once; as many as there are processors by default.
        progress: Told of the stages.

    Returns:
        Of each way recall (found / min(k, relevant)) and nDCG at each k, and MRR; by how much a hybrid is above either
        way, paired by question.

    Raises:
        BadData: There are no questions, or one without a relevant text.
        BadOption: As of `Searcher.find`.
        UnknownKey: A relevant text has no row.

    Source:
        Thakur et al. 2021 (BEIR; the metrics).
    """
    searcher = searcher if isinstance(searcher, Searcher) else Searcher(searcher)
    if not questions or len(questions) != len(relevant) or not all(len(each) for each in relevant):
        raise BadData(
            f"{len(questions):,} questions and relevant texts of {len(relevant):,}; each question has at least one."
        )
    if not ks or min(ks) < 1:
        raise BadOption(f"ks are {list(ks)}; each is at least 1.")
    ks = sorted(ks)
    asked = list(questions)
    for how in hows:
        shares = _checked(asked, how, weights)
    space, group = searcher.space, searcher.group
    truth = [np.array([space.keys.row(str(key), group) for key in each], np.int64) for each in relevant]
    ways = [way for way in ("dense", "bm25") if way in hows or "hybrid" in hows]
    every = searcher._candidates(asked, ways, ks[-1], where, threads, progress)
    values: dict[str, dict[tuple[str, int], np.ndarray]] = {}
    for how in hows:
        hits = np.zeros((len(asked), ks[-1]), np.bool_)
        for at, each in enumerate(every):
            rows = fused([each.dense[0], each.bm25[0]], shares)[0] if how == "hybrid" else getattr(each, how)[0]
            rows = rows[: ks[-1]]
            hits[at, : len(rows)] = np.isin(rows, truth[at])
        values[how] = worth(hits, np.array([len(np.unique(each)) for each in truth]), ks)
    findings = []
    for way, of in values.items():
        for metric, k in [*(("recall", k) for k in ks), *(("ndcg", k) for k in ks), ("mrr", ks[-1])]:
            low, high = of_mean(of[metric, k], seed=seed)
            findings.append(Finding(f"{metric}@{k}", float(of[metric, k].mean()), low, high, len(asked), group=way))
    for other in ("dense", "bm25") if "hybrid" in hows else ():
        if other in values:
            pair = values["hybrid"]["mrr", ks[-1]], values[other]["mrr", ks[-1]]
            low, high = of_difference(*pair, seed=seed)
            apart = float(pair[0].mean() - pair[1].mean())
            findings.append(Finding(f"mrr@{ks[-1]} above {other}", apart, low, high, len(asked), group="hybrid"))
    missed = [
        [question, ", ".join(map(str, each))]
        for question, each, hit in zip(asked, relevant, values[hows[-1]]["hit", ks[-1]], strict=True)
        if not hit
    ][:20]
    tables = [Table(f"Questions whose answers are not among the first {ks[-1]}", ("question", "answers"), missed)]
    notes = [f"{len(asked):,} questions among {len(space.group(group)):,} texts."]
    return Report(f"Search · {space.card.method}", findings, tables if missed else [], notes)


def _opened(space: Space, model: Any) -> Any:
    """The encoder that a model stands for; what a Space remembers where it is None."""
    from kinfold.encode import encoder
    from kinfold.io.checkpoint import is_checkpoint

    if model is not None:
        found: Any = encoder(model)
        if not (isinstance(model, str | os.PathLike) and is_checkpoint(model)):
            return found
        shorter = space.dim < found.dim and space.frame.endswith(f"-{space.dim}")
        return dataclasses.replace(found, truncate_dim=space.dim) if shorter else found
    # Texts that stand alone are not the words that they were encoded by.
    if space.card.method != "transformer" and len(space.groups) == 1:
        raise _forgotten(space)
    try:
        return encoder(space)
    except UnknownName as error:
        raise _forgotten(space) from error


def _forgotten(space: Space) -> BadData:
    return BadData(
        f"this Space, by {space.card.method}, does not remember what gives a question its row; name the model or the "
        "words that its texts were encoded by, model=FOLDER, or search by words alone, how='bm25'."
    )


def _checked(questions: list[str], how: str, weights: Sequence[float]) -> np.ndarray:
    if how not in HOWS:
        near = did_you_mean(str(how), HOWS)
        raise BadOption(f"there is no way '{how}' to search.{near} There are: {', '.join(HOWS)}.")
    for place, question in enumerate(questions, 1):
        if not isinstance(question, str) or not question.strip():
            raise BadOption(f"question {place:,} is empty; a question is a text with at least a word.")
    shares = np.asarray(weights, np.float64)
    if shares.shape != (2,) or not np.isfinite(shares).all() or (shares < 0).any() or not shares.any():
        raise BadOption(f"weights are {list(weights)}; they are two numbers, of dense and bm25, not below 0.")
    return shares
