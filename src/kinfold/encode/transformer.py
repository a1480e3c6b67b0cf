"""Texts as rows of a transformer: BERT and its descendants, as Hugging Face and sentence-transformers keep them."""

from __future__ import annotations

import functools
import os
import shutil
import sys
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Any, ClassVar, NamedTuple, Protocol

import numpy as np
import pyarrow as pa

from kinfold.core.card import Card
from kinfold.core.errors import BadData, BadOption, FrameMismatch
from kinfold.core.files import whole_folder
from kinfold.core.keys import Keys
from kinfold.core.metric import Metric, units
from kinfold.core.progress import Progress, quiet
from kinfold.core.rows import Rows
from kinfold.core.shapes import Items
from kinfold.core.space import Space
from kinfold.core.spill import Spill
from kinfold.core.threads import many
from kinfold.encode.batches import overlapping, packed_batches, padded_batches, some_at_a_time
from kinfold.encode.states import pooled
from kinfold.encode.states import terms as terms_of
from kinfold.encode.terms import Terms
from kinfold.io.checkpoint import POOLINGS, Checkpoint, read
from kinfold.prepare.pieces import Pieces

METHOD = "transformer"
PRECISIONS = ("auto", "float32", "bfloat16", "float16", "int8")

# Texts that are cut into tokens at a time: enough of them to be sorted by length where batches are padded.
_TEXTS, _SORTED = 1024, 8192
# What a precision must keep of float32 to be picked, and what that is measured on.
_COSINE = 0.999
_SAMPLE = (
    "A cat.",
    "How do I return an order that arrived damaged, and who pays for the postage?",
    "The quick brown fox jumps over the lazy dog while 17 others (some of them asleep) look on.",
    "Die Sitzung beginnt um neun Uhr; wer später kommt, nimmt bitte den Eingang im Hof.",
    "def mean(values): return sum(values) / len(values)",
    "In 1859 the observatory recorded a magnetic storm of a strength that had not been seen before. Telegraph lines "
    "failed, and operators reported that they could send messages with their batteries disconnected.",
    "terrible. would not buy again!!!",
    "Le chat dort sur le rebord de la fenêtre pendant que la pluie tombe sur les toits de la ville.",
)


class Network(Protocol):
    """What gives tokens their states."""

    tokens: int  # of a batch, at most
    side_by_side: bool  # whether batches run at once, each on a thread, and need no padding

    def states(self, ids: np.ndarray, starts: np.ndarray, threads: int) -> np.ndarray:
        """The last states (total, width) float32 of tokens (total,) int32 of texts that begin at (n + 1,) int64."""


class Tokens(NamedTuple):
    """A text's tokens, without special ones.

    Args:
        pieces: The tokens.
        places: Where each begins and ends in the text (L, 2) int64, in characters.
        rows: Their states (L, width) float32.
    """

    pieces: list[str]
    places: np.ndarray
    rows: np.ndarray


@dataclass(frozen=True, eq=False)
class Transformer:
    """Rows for texts by a transformer, as sentence-transformers gives them.

    Weights are read from safetensors, and code in a model's folder is never run. Texts are sorted by length and go
    through the network in batches without padding to speak of.

    Args:
        model: The folder of a model of Hugging Face or of sentence-transformers, a hub's name, or a Space that was
            made by one, which remembers its folder.
        precision: float32, bfloat16, float16 or int8; by default the fastest of this machine that keeps rows at a
            cosine of .999 to those of float32.
        device: As torch names it; by default a GPU where there is one.
        truncate_dim: Coordinates that are kept, the first ones, for models that were trained so (Matryoshka); all by
            default.
        prompt: What is put before each text: the name of one of the model's prompts, or a text; by default the model's
            own choice, `""` for none.
        max_length: Tokens of a text that are read; by default as the model says.
        pooling: How states of tokens become a row: mean, cls, max, lasttoken, weightedmean, mean_sqrt_len_tokens, or
            several side by side (`mean+max+cls`); by default as the model says.
        layers: How many of the last layers stand side by side in a row: what is learned on frozen rows often finds more
            in several. The steps that a model has behind its pooling are those of its own row: with another pooling or
            other layers they are left out.
        long: What becomes of longer texts: `cut`, or read in overlapping `windows` to their end.

    Raises:
        BadFile: The folder or a file in it is missing, or the weights are a Python pickle.
        BadData: A file is damaged, the tokenizer is another model's, or the model needs code of its own.
        BadOption: An option outside its range.
        MissingExtra: A library that it needs is not installed.
        FrameMismatch: A Space's model is no longer the one that made it.

    Source:
        Devlin et al. 2019 (arXiv 1810.04805); Reimers, Gurevych 2019 (arXiv 1908.10084); Kusupati et al. 2022 (arXiv
        2205.13147); late chunking: Günther et al. 2024 (arXiv 2409.04701).
    """

    methods: ClassVar[tuple[str, ...]] = (METHOD,)
    things: ClassVar[str] = "texts"
    contextual: ClassVar[bool] = True

    model: str | os.PathLike[str] | Space
    precision: str = "auto"
    device: str | None = None
    truncate_dim: int | None = None
    prompt: str | None = None
    max_length: int | None = None
    pooling: str | None = None
    layers: int | None = None
    long: str = "cut"

    def __post_init__(self) -> None:
        if self.precision not in PRECISIONS:
            raise BadOption(f"precision={self.precision!r} is not known; it is one of {', '.join(PRECISIONS)}.")
        if self.long not in ("cut", "windows"):
            raise BadOption(f"long={self.long!r} is not known; it is 'cut' or 'windows'.")
        unknown = [each for each in (self.pooling or "mean").split("+") if each not in POOLINGS]
        if unknown:
            raise BadOption(
                f"pooling={self.pooling!r}: {unknown[0]!r} is not known; there are {', '.join(POOLINGS)}, and several "
                "of them with + between."
            )
        deep = self._folder.depth
        if self.layers is not None and not 1 <= self.layers <= max(deep, 1):
            raise BadOption(f"layers is {self.layers}; this model has {max(deep, 1)}.")
        most = self.checkpoint.max_length
        if self.max_length is not None and not 4 <= self.max_length <= max(most, self._places):
            raise BadOption(
                f"max_length is {self.max_length}; this model reads 4 to {max(most, self._places):,} tokens."
            )
        if self.truncate_dim is not None and not 1 <= self.truncate_dim <= self._full_dim:
            raise BadOption(
                f"truncate_dim is {self.truncate_dim}; rows of this model have 1 to {self._full_dim:,} coordinates."
            )
        if isinstance(self.model, Space) and self.model.frame != self.frame:
            raise FrameMismatch(
                f"{self.checkpoint.path}: is not the model that made this Space ({self.model.frame}, not {self.frame})."
            )
        self._pieces  # noqa: B018 - what is wrong with it is said here

    @functools.cached_property
    def checkpoint(self) -> Checkpoint:
        """What the model's folder says, with the pooling and the layers that were asked for."""
        found, own = self._folder, {}
        if isinstance(self.model, Space):
            own = {name: self.model.card.parameters.get(name) for name in ("pooling", "layers")}
        pooling, layers = self.pooling or own.get("pooling"), self.layers or own.get("layers") or 1
        if self.pooling is None and layers == 1 and pooling in (None, "+".join(found.pooling)):
            return found
        parts = found.pooling if pooling is None else tuple(pooling.split("+"))
        return replace(found, pooling=parts, layers=layers, after=())

    @property
    def _folder(self) -> Checkpoint:
        if not isinstance(self.model, Space):
            return read(self.model)
        folder = self.model.card.parameters.get("model")
        if self.model.card.method != METHOD or not isinstance(folder, str):
            raise BadData(
                f"this Space, by {self.model.card.method}, was made by no transformer; name a model's folder."
            )
        return read(folder)

    @functools.cached_property
    def frame(self) -> str:
        """The name of the coordinate system: of the weights, the pooling and the coordinates that are kept."""
        kept = "" if self.dim == self._full_dim else f"-{self.dim}"
        return f"{METHOD}-{self.checkpoint.fingerprint()}{kept}"

    @property
    def dim(self) -> int:
        """Coordinates of a row."""
        if self.truncate_dim is None and isinstance(self.model, Space):
            return self.model.dim
        return self.truncate_dim or self._full_dim

    @property
    def metric(self) -> Metric:
        """How near two rows are."""
        return self.checkpoint.metric

    def save(self, path: str | os.PathLike[str]) -> None:
        """Copies the model's folder, which `kinfold.encoder` and sentence-transformers open.

        Raises:
            BadFile: The folder is not empty, or cannot be written.
        """
        with whole_folder(path) as folder:
            shutil.copytree(self.checkpoint.path, folder, dirs_exist_ok=True)

    def vectors(self, texts: Sequence[str], *, threads: int | None = None, progress: Progress = quiet) -> np.ndarray:
        """Rows (n, dim) float32 of texts, one each; an empty text has that of the special tokens alone.

        Raises:
            BadData: One of the things is no string.
        """
        found = [rows for _, rows in self.stream(texts, threads=threads, progress=progress)]
        return np.concatenate(found) if found else np.zeros((0, self.dim), np.float32)

    def of_ids(
        self, ids: Sequence[np.ndarray], *, threads: int | None = None, progress: Progress = quiet
    ) -> np.ndarray:
        """Rows (n, dim) float32 of texts that are cut already: ids of their tokens, without the special ones."""
        begins, ends = self._pieces.special
        made = [np.zeros((0, self.dim), np.float32)]
        for first in range(0, len(ids), _SORTED):
            some = [np.concatenate([begins, each, ends]).astype(np.int32) for each in ids[first : first + _SORTED]]
            made.append(self._rows(some, None, many(threads), progress))
        return np.concatenate(made)

    def terms(self, thing: str) -> Terms:
        """What a text's row is the sum of: the states of its tokens, which know the text around them.

        Special tokens count where the pooling counts them; `(bias)` is what a layer behind it adds to every text.

        Raises:
            BadData: It is no string, or a layer behind the pooling is not linear.
        """
        cut = self._cut(some_at_a_time([thing], 1))
        assert cut is not None
        _, (ids,), windows = cut
        if windows is None:
            _, states, _ = next(self._batches([ids], 1))
        else:
            begins, ends = self._pieces.special
            states = self._whole_states([ids], 1, quiet, special=True)[0]
            ids = np.concatenate([begins, ids, ends])
        rows, constant = terms_of(states, self.checkpoint, self._passed, self.dim)
        names = self._pieces.tokens(ids)
        return Terms([*names, "(bias)"], np.vstack([rows, constant])) if constant.any() else Terms(names, rows)

    def stream(
        self, texts: Iterable[str], *, threads: int | None = None, progress: Progress = quiet
    ) -> Iterator[tuple[list[str], np.ndarray]]:
        """Texts and their rows (m, dim) float32, some thousand at a time, in order.

        Raises:
            BadData: One of the things is no string.
        """
        workers = many(threads)
        with ThreadPoolExecutor(1) as ahead:
            windows = some_at_a_time(texts, _TEXTS if self._network.side_by_side else _SORTED)
            coming = ahead.submit(self._cut, windows)
            while (found := coming.result()) is not None:
                coming = ahead.submit(self._cut, windows)
                some, ids, spans = found
                rows = self._rows(ids, spans, workers, progress)
                yield some, rows

    def encode(
        self, items: Items[str] | Iterable[str], *, threads: int | None = None, progress: Progress = quiet
    ) -> Space:
        """Rows of some texts; empty ones are left out and counted.

        Args:
            items: Texts; their names, or numbers from 0, become the keys.
            threads: How many of the processor's cores work; all by default.
            progress: Told of how many texts are done.

        Returns:
            A Space of the group `document`, with the items' attributes.

        Raises:
            BadData: One of the things is no string, or none is a text.
        """
        items = Items.of(items)
        progress.start("encode", None, "texts")
        texts, kept = 0, [np.zeros(0, np.int64)]
        with Spill(np.float32) as spill:
            for some, rows in self.stream(items.raw, threads=threads, progress=progress):
                full = np.flatnonzero([bool(text) and not text.isspace() for text in some])
                spill.append(rows[full].reshape(-1))
                kept.append(full + texts)
                texts += len(some)
            made = spill.join().reshape(-1, self.dim)
        return self.space(items, made, np.concatenate(kept), texts)

    def space(self, items: Items[str], rows: np.ndarray, kept: np.ndarray, texts: int) -> Space:
        """The Space of those texts that have a row.

        Args:
            items: All texts, with names and attributes.
            rows: (m, dim) float32.
            kept: Which texts they are of (m,) int64.
            texts: How many there were.

        Raises:
            BadData: None has a row, or there are more names than texts.
        """
        if texts and not len(kept):
            raise BadData(f"all of the {texts:,} texts are empty.")
        if items.keys is not None and len(items.keys) != texts:
            raise BadData(f"{len(items.keys):,} names do not go with {texts:,} texts.")
        names = pa.array(map(str, kept.tolist()), pa.large_string())
        if items.keys is not None:
            names = items.keys.take(kept).names
        table = None if items.table is None else items.table.take(pa.array(kept))
        card = self.card().then("encode", texts=texts, skipped=texts - len(kept))
        return Space(Keys.trusted(names, "document"), Rows(rows), self.metric, card, table)

    def card(self) -> Card:
        """What a Space of such rows says of their origin."""
        told = {
            "model": str(self.checkpoint.path.absolute()),
            "family": self.checkpoint.family,
            "pooling": "+".join(self.checkpoint.pooling),
            "layers": self.checkpoint.layers,
            "normalize": self.checkpoint.normalized,
            "max_length": self._longest,
            "prompt": self._prompt,
            "precision": self.choice[0],
            "long": self.long,
        }
        return Card(self.frame, METHOD, told)

    def tokens(self, texts: Sequence[str], *, threads: int | None = None, progress: Progress = quiet) -> list[Tokens]:
        """The tokens of texts with their states; a text that is too long is read in overlapping windows."""
        cut = self._pieces.whole(texts)
        states = self._whole_states([ids for ids, _ in cut], many(threads), progress)
        return [Tokens(self._pieces.tokens(ids), places, rows) for (ids, places), rows in zip(cut, states, strict=True)]

    def words(
        self, sentences: Sequence[Sequence[str]], *, threads: int | None = None, progress: Progress = quiet
    ) -> list[np.ndarray]:
        """States (words, width) float32 of the words of sentences: of each the mean of its tokens'.

        A word of which the tokenizer makes nothing has the zero row.
        """
        cut = [self._pieces.of_words(words) for words in sentences]
        states = self._whole_states([ids for ids, _ in cut], many(threads), progress)
        made = []
        for words, (_, owner), rows in zip(sentences, cut, states, strict=True):
            found = np.zeros((len(words), self.checkpoint.width), np.float32)
            known = owner >= 0
            np.add.at(found, owner[known], rows[known])
            found /= np.maximum(np.bincount(owner[known], minlength=len(words)), 1)[:, None]
            made.append(found)
        return made

    def chunks(
        self,
        items: Items[str] | Iterable[str],
        size: int = 128,
        *,
        threads: int | None = None,
        progress: Progress = quiet,
    ) -> Space:
        """Rows of the pieces of long texts, each of which knows what stands around it (late chunking).

        A text goes through the network whole, in overlapping windows where it is too long; only then the states are
        pooled, those of each chunk by themselves. Chunks end at the end of a sentence where there is one.

        Args:
            items: Texts; the keys are their names and the number of the chunk, `name#0`.
            size: Tokens of a chunk, at most.
            threads: How many of the processor's cores work; all by default.
            progress: Told of how many texts are done.

        Returns:
            A Space of the group `chunk` with the attributes `document`, `begins`, `ends` (in characters), `text`.

        Raises:
            BadData: One of the things is no string, or none is a text.
            BadOption: `size` is below 8.
        """
        from kinfold.encode.chunks import chunked

        return chunked(self, Items.of(items), size, many(threads), progress)

    def token_space(
        self, items: Items[str] | Iterable[str], *, threads: int | None = None, progress: Progress = quiet
    ) -> Space:
        """A row for every token of every text: its state, which knows the text around it.

        Args:
            items: Texts; the keys are their names and the number of the token, `name#0`.
            threads: How many of the processor's cores work; all by default.
            progress: Told of how many texts are done.

        Returns:
            A Space of the group `token` with the attributes `document`, `begins`, `ends` (in characters), `text`.

        Raises:
            BadData: One of the things is no string, or none is a text.
        """
        from kinfold.encode.chunks import chunked

        return chunked(self, Items.of(items), None, many(threads), progress)

    # What follows is how it is done.

    @functools.cached_property
    def choice(self) -> tuple[str, float | None]:
        """The precision that is used, and its mean cosine to float32 on a few texts where it was chosen by that."""
        if self.precision != "auto":
            return self.precision, None
        for kind in self._quick:
            try:
                kept = self._agreement(kind)
            except (RuntimeError, NotImplementedError):  # a device without such numbers
                continue
            if kept >= _COSINE:
                return kind, kept
        return "float32", None

    @property
    def _quick(self) -> list[str]:
        """Precisions that are faster here than float32, the fastest first."""
        from kinfold.encode.kernel_network import has_matrices, suits

        if self._device != "cpu":
            return ["bfloat16", "float16"]
        found = [kind for kind in ("int8", "bfloat16") if suits(self.checkpoint, kind)]
        return found if "bfloat16" in found or not has_matrices() else [*found, "bfloat16"]

    def _agreement(self, kind: str) -> float:
        """The mean cosine of rows in this precision and in float32."""
        ids = self._pieces.ids(_SAMPLE)
        starts = np.concatenate([[0], np.cumsum([len(each) for each in ids])])
        a, b = (
            pooled(self._of_kind(each).states(np.concatenate(ids), starts, 1), starts, self.checkpoint)
            for each in (kind, "float32")
        )
        return float((units(a) * units(b)).sum(axis=1).mean())

    @functools.cached_property
    def _network(self) -> Network:
        return self._of_kind(self.choice[0])

    def _of_kind(self, kind: str) -> Network:
        from kinfold.encode.kernel_network import KernelNetwork, suits

        if self._device == "cpu" and suits(self.checkpoint, kind):
            return KernelNetwork(self.checkpoint, kind)
        if kind == "int8":
            raise BadOption(
                "precision='int8' needs a processor with VNNI instructions and a model of the families bert, roberta, "
                f"mpnet or distilbert with whole blocks; {self.checkpoint.family} runs here in float32 or bfloat16."
            )
        from kinfold.encode.torch_network import TorchNetwork

        return TorchNetwork(self.checkpoint, kind, self._device)

    @functools.cached_property
    def _device(self) -> str:
        return self.device or _best_device()

    @functools.cached_property
    def _pieces(self) -> Pieces:
        return Pieces(self.checkpoint, self._longest)

    @property
    def _places(self) -> int:
        told = self.checkpoint.config.get("max_position_embeddings")
        return told if isinstance(told, int) and told > 0 else self.checkpoint.max_length

    @property
    def _longest(self) -> int:
        return self.max_length or self.checkpoint.max_length

    @property
    def _full_dim(self) -> int:
        layers = [step for step in self.checkpoint.after if not isinstance(step, str)]
        return len(layers[-1].weight) if layers else self.checkpoint.width * len(self.checkpoint.pooling)

    @property
    def _prompt(self) -> str:
        prompts = self.checkpoint.prompts
        if self.prompt is None:
            return prompts.get(self.checkpoint.default_prompt or "", "")
        return prompts.get(self.prompt, self.prompt)

    @functools.cached_property
    def _passed(self) -> int:
        """Tokens at the beginning of a text that the pooling leaves out."""
        if self.checkpoint.include_prompt or not self._prompt:
            return 0
        _, ends = self._pieces.special
        return len(self._pieces.ids([self._prompt])[0]) - len(ends)

    def _cut(self, windows: Iterator[list[str]]) -> tuple[list[str], list[np.ndarray], np.ndarray | None] | None:
        """The next texts, the ids of their tokens or windows, and which text each window is of."""
        texts = next(windows, None)
        if texts is None:
            return None
        prompt = self._prompt
        given = [prompt + text for text in texts] if prompt else texts
        if self.long == "cut":
            return texts, self._pieces.ids(given), None
        return texts, [ids for ids, _ in self._pieces.whole(given)], np.zeros(0, np.int64)

    def _rows(self, ids: list[np.ndarray], windows: np.ndarray | None, threads: int, progress: Progress) -> np.ndarray:
        """Rows of texts from their ids."""
        made = np.empty((len(ids), self._full_dim), np.float32)
        if windows is None:
            for some, states, starts in self._batches(ids, threads):
                made[some] = pooled(states, starts, self.checkpoint, self._passed)
                progress.advance(len(some))
        else:
            begins, ends = self._pieces.special
            full = [np.concatenate([begins, each, ends]) for each in ids]
            states_of = self._whole_states(ids, threads, progress, special=True)
            for at, states in enumerate(states_of):
                starts = np.array([0, len(full[at])])
                made[at] = pooled(states, starts, self.checkpoint, self._passed)[0]
        if self.dim == self._full_dim:
            return made
        kept = made[:, : self.dim]
        return units(kept) if self.checkpoint.normalized else np.ascontiguousarray(kept)

    def _batches(self, ids: list[np.ndarray], threads: int) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]:
        """Which texts, the states of their tokens and where each begins."""
        network = self._network
        lengths = np.array([len(each) for each in ids], np.int64)

        def run(some: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
            starts = np.concatenate([[0], np.cumsum(lengths[some])])
            return some, network.states(np.concatenate([ids[at] for at in some]), starts, threads), starts

        if not network.side_by_side:
            yield from map(run, padded_batches(lengths, network.tokens))
            return
        # A few batches ahead of what is taken: states are many times the rows that are made of them.
        coming: deque[Any] = deque()
        with ThreadPoolExecutor(threads) as pool:
            for some in packed_batches(lengths, network.tokens):
                coming.append(pool.submit(run, some))
                if len(coming) > 2 * threads:
                    yield coming.popleft().result()
            while coming:
                yield coming.popleft().result()

    def _whole_states(
        self, ids: list[np.ndarray], threads: int, progress: Progress, *, special: bool = False
    ) -> list[np.ndarray]:
        """States of all tokens of texts that may be longer than what is read at once.

        Windows overlap by a quarter; a token that is in two has its states from the one in which it is farther from the
        edge.
        """
        begins, ends = self._pieces.special
        inner = self._longest - len(begins) - len(ends)
        windows, owners = [], []
        for number, each in enumerate(ids):
            for first, last in overlapping(len(each), inner):
                windows.append(np.concatenate([begins, each[first:last], ends]))
                owners.append((number, first, last))
        found: list[np.ndarray | None] = [None] * len(windows)
        for some, states, starts in self._batches(windows, threads):
            for place, at in enumerate(some.tolist()):
                found[at] = states[starts[place] : starts[place + 1]]
        made = [np.zeros((len(each), self.checkpoint.width), np.float32) for each in ids]
        edges: list[tuple[Any, Any]] = [(None, None)] * len(ids)
        for (number, first, last), held in zip(owners, found, strict=True):
            assert held is not None
            core = held[len(begins) : len(held) - len(ends)]
            # The middle of what overlaps belongs to the earlier window up to it, to the later one from it on.
            begin = first if first == 0 else first + (inner // 4) // 2
            made[number][begin:last] = core[begin - first :]
            head = held[: len(begins)] if first == 0 else edges[number][0]
            edges[number] = (head, held[len(held) - len(ends) :])
        progress.advance(len(made))
        if not special:
            return made
        return [np.concatenate([head, core, tail]) for core, (head, tail) in zip(made, edges, strict=True)]


def _best_device() -> str:
    """A GPU where there is one. Looking for it needs torch, which takes seconds: its driver is looked for first."""
    if sys.platform == "linux" and not any(map(os.path.exists, ("/dev/nvidiactl", "/dev/dxg", "/dev/kfd"))):
        return "cpu"
    try:
        import torch
    except ModuleNotFoundError:
        return "cpu"
    if torch.cuda.is_available():
        return "cuda"
    return "mps" if torch.backends.mps.is_available() else "cpu"
