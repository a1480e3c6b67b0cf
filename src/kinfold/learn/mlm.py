"""Masked-language models from nothing: a tokenizer and a small transformer, learned on a corpus."""

from __future__ import annotations

import dataclasses
import hashlib
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, ClassVar, NamedTuple

import numpy as np

from kinfold.core.card import Card, born
from kinfold.core.errors import BadData, BadOption, MissingExtra
from kinfold.core.intervals import of_mean
from kinfold.core.options import whole
from kinfold.core.progress import Progress, quiet
from kinfold.core.protocols import takes
from kinfold.core.report import Finding, Report, Table
from kinfold.core.shapes import Items
from kinfold.core.spill import Spill
from kinfold.core.threads import many
from kinfold.io.checkpoint import Checkpoint
from kinfold.learn.finetune import device_of, optimizer, seeded, set_rate
from kinfold.learn.passes import generator
from kinfold.learn.tuned import Tuned

FAMILIES = ("bert", "modernbert")
TOKENIZERS = ("wordpiece", "bpe")
PRECISIONS = ("float32", "bfloat16")
SPECIAL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")
_PAD, _UNK, _CLS, _SEP, _MASK = range(len(SPECIAL))

_STEEPEST = 1.0  # norm of a step's gradients, at most
_TEXTS = 1000  # cut into tokens at once
_HELD_OUT = 2000  # blocks, at most
_NO_LABEL = -1


@dataclass(frozen=True, slots=True)
class MaskedLM:
    """Learns a tokenizer and a small transformer from text alone: it fills in tokens that are masked.

    Texts stand one after another in blocks of one length, so that nothing is filled up. Which tokens are masked is
    drawn anew each time: of those, 80 % become [MASK], 10 % another token, 10 % stay. Ids of a large corpus are in a
    file. The same seed and number of threads give the same weights.

    Args:
        family: bert, or modernbert (rotary places, gated layers, local attention).
        tokenizer: wordpiece (lower-cased), or bpe (over bytes, as written).
        vocabulary: Tokens, at most.
        dim: Coordinates of a state.
        layers: Of attention, one upon another.
        heads: Parts that a state is cut into, each of which attends for itself.
        wide: Width of the inner part of a layer, in multiples of dim.
        length: Tokens of a block, and the longest text that the model can read.
        masked: Share of the tokens that are to be filled in.
        whole_words: Whether words are masked as a whole.
        epochs: Passes over the blocks.
        steps: Steps instead of passes.
        batch: Blocks of a step.
        learning_rate: The highest.
        warmup: Share of the steps in which the rate rises; then it falls linearly to 0.
        decay: Of the weights.
        dropout: Share of the numbers within the network that are set to 0 while it learns.
        held_out: Share of the blocks that are kept to judge by.
        precision: float32, or bfloat16 for the products.
        device: As torch names it; by default a GPU where there is one.

    Raises:
        BadOption: A field outside its range, or training diverged.
        BadData: There is too little text.
        MissingExtra: torch, transformers or tokenizers is not installed.
        ShapeMismatch: The data are not Items.

    Source:
        Devlin et al. 2019 (arXiv 1810.04805); Warner et al. 2024 (arXiv 2412.13663).

    Example:
        >>> MaskedLM(dim=30)
        Traceback (most recent call last):
        kinfold.core.errors.BadOption: dim is 30, which 4 heads cannot share; choose a multiple of heads.
    """

    takes: ClassVar[type] = Items

    family: str = "bert"
    tokenizer: str = "wordpiece"
    vocabulary: int = 16_000
    dim: int = 256
    layers: int = 4
    heads: int = 4
    wide: int = 4
    length: int = 128
    masked: float = 0.15
    whole_words: bool = False
    epochs: int = 1
    steps: int | None = None
    batch: int = 32
    learning_rate: float = 5e-4
    warmup: float = 0.1
    decay: float = 0.01
    dropout: float = 0.1
    held_out: float = 0.02
    precision: str = "float32"
    device: str | None = None

    def __post_init__(self) -> None:
        whole(self, vocabulary=(100, 1_000_000), dim=(4, 8192), layers=(1, 100), heads=(1, 256), wide=(1, 16))
        whole(self, length=(8, 32_768), epochs=(1, 10_000), batch=(1, 100_000))
        if self.steps is not None:
            whole(self, steps=(1, 100_000_000))
        for name, known in (("family", FAMILIES), ("tokenizer", TOKENIZERS), ("precision", PRECISIONS)):
            if getattr(self, name) not in known:
                raise BadOption(f"{name} is {getattr(self, name)!r}; it is one of {', '.join(known)}.")
        if self.dim % self.heads:
            raise BadOption(f"dim is {self.dim}, which {self.heads} heads cannot share; choose a multiple of heads.")
        if self.family == "modernbert" and self.dim // self.heads % 2:
            raise BadOption(f"a head has {self.dim // self.heads} coordinates, and rotary places need an even number.")
        if not 0 < self.learning_rate <= 1:
            raise BadOption(f"learning_rate is {self.learning_rate!r}; it is above 0 and at most 1.")
        for name, low, high in (
            ("masked", 0.01, 0.9),
            ("warmup", 0, 1),
            ("decay", 0, 1),
            ("dropout", 0, 0.9),
            ("held_out", 0, 0.5),
        ):
            if not low <= getattr(self, name) <= high:
                raise BadOption(f"{name} is {getattr(self, name)!r}; it is a share from {low} to {high}.")

    def fit(self, data: Items[str], *, seed: int = 0, threads: int | None = None, progress: Progress = quiet) -> Tuned:
        """Learns the tokens of a corpus, and then a transformer that fills them in.

        Args:
            data: Texts, which are read twice.
            seed: Of the first weights, the batches and what is masked and dropped.
            threads: How many work at once; as many as there are processors by default.
            progress: Told of how far the work is.

        Returns:
            The model with its tokenizer and its report, `training`.
        """
        takes(self, data)
        try:
            import tokenizers  # noqa: F401
            import torch  # noqa: F401
            import transformers

            from kinfold.io.torch_model import quiet as quietly
            from kinfold.io.torch_model import using
        except ModuleNotFoundError as error:
            raise MissingExtra(
                f"models of texts are trained by {error.name}, which is not installed: pip install 'kinfold[deep]'."
            ) from error
        progress.start("tokens", None, "texts")
        tokenizer = self._tokens(data.raw)
        corpus = self._corpus(tokenizer, data.raw, progress)
        with using(many(threads)), seeded(seed), quietly(transformers):
            model = self._begun(tokenizer.get_vocab_size()).to(device_of(self.device))
            report = self._learn(model, corpus, seed, progress)
            model.to("cpu")
        frame = born("mlm", model.get_input_embeddings().weight.detach().numpy())
        card = Card(frame, "mlm", dataclasses.asdict(self), seed, corpus.told, reports=(report,))
        checkpoint = Checkpoint(Path(), Path(), model.config.to_dict(), max_length=self.length)
        return Tuned(model, checkpoint, card, self._wrapped(tokenizer))

    def _tokens(self, texts: Iterable[str]) -> Any:
        """A tokenizer, learned from texts."""
        from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers

        told: dict[str, Any] = {"vocab_size": self.vocabulary, "special_tokens": list(SPECIAL), "show_progress": False}
        if self.tokenizer == "wordpiece":
            made: Any = Tokenizer(models.WordPiece(unk_token=SPECIAL[_UNK]))
            made.normalizer = normalizers.BertNormalizer(lowercase=True)
            made.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
            made.decoder = decoders.WordPiece()
            # The library numbers letters within words in the order of a hash table, another one each time, and by these
            # numbers it decides between pairs that are as frequent. So they are found first, and named in order.
            made.train_from_iterator(_whole(texts), trainers.WordPieceTrainer(**{**told, "vocab_size": 1}))
            inner = sorted(token for token in made.get_vocab() if token.startswith("##"))
            trainer: Any = trainers.WordPieceTrainer(**{**told, "special_tokens": [*SPECIAL, *inner]})
        else:
            made = Tokenizer(models.BPE())
            made.normalizer = normalizers.NFC()
            made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=True)
            made.decoder = decoders.ByteLevel()
            trainer = trainers.BpeTrainer(initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), **told)
        made.train_from_iterator(_whole(texts), trainer)
        if self.tokenizer == "wordpiece":
            made = _plain(made)
        begin, end = SPECIAL[_CLS], SPECIAL[_SEP]
        made.post_processor = processors.TemplateProcessing(
            single=f"{begin} $A {end}",
            pair=f"{begin} $A {end} $B:1 {end}:1",
            special_tokens=[(begin, _CLS), (end, _SEP)],
        )
        return made

    def _corpus(self, tokenizer: Any, texts: Iterable[str], progress: Progress) -> Corpus:
        """The texts as blocks of ids."""
        inner, count, total = self.length - 2, 0, 0
        things, digest = iter(_whole(texts)), hashlib.blake2b(digest_size=8)
        with Spill(np.int32) as spill:
            while some := list(islice(things, _TEXTS)):
                found = tokenizer.encode_batch_fast(some, add_special_tokens=False)
                filled = [np.array([*each.ids, _SEP], np.int32) for each in found if each.ids]
                if filled:
                    ids = np.concatenate(filled)
                    digest.update(ids[:4096].tobytes())
                    spill.append(ids)
                    total += len(ids)
                count += len(filled)
                progress.advance(len(some))
            ids = spill.join()
        blocks = len(ids) // inner
        if blocks < 2:
            raise BadData(
                f"the corpus has {total:,} tokens, and blocks of {self.length} need at least {2 * inner:,}; "
                "take more text or a smaller length."
            )
        tokens = [tokenizer.id_to_token(number) or "" for number in range(tokenizer.get_vocab_size())]
        begins = [
            not each.startswith("##") if self.tokenizer == "wordpiece" else each.startswith("Ġ") for each in tokens
        ]
        told = {
            "shape": "Items",
            "texts": count,
            "tokens": total,
            "blocks": blocks,
            "unknown": int(np.count_nonzero(ids == _UNK)),
            "vocabulary": len(tokens),
            "hash": digest.hexdigest(),
        }
        return Corpus(ids[: blocks * inner].reshape(blocks, inner), np.array(begins), told)

    def _begun(self, vocabulary: int) -> Any:
        """The transformer before it has learned."""
        import transformers

        sizes = {
            "vocab_size": vocabulary,
            "hidden_size": self.dim,
            "num_hidden_layers": self.layers,
            "num_attention_heads": self.heads,
            "intermediate_size": self.wide * self.dim,
            "max_position_embeddings": self.length,
            "pad_token_id": _PAD,
        }
        if self.family == "bert":
            dropped = {"hidden_dropout_prob": self.dropout, "attention_probs_dropout_prob": self.dropout}
            return transformers.BertForMaskedLM(transformers.BertConfig(**sizes, **dropped))
        dropped = dict.fromkeys(("embedding_dropout", "mlp_dropout", "attention_dropout"), self.dropout)
        special = {"cls_token_id": _CLS, "sep_token_id": _SEP, "bos_token_id": _CLS, "eos_token_id": _SEP}
        return transformers.ModernBertForMaskedLM(transformers.ModernBertConfig(**sizes, **dropped, **special))

    def _learn(self, model: Any, corpus: Corpus, seed: int, progress: Progress) -> Report:
        import torch

        blocks = corpus.blocks
        order = generator(seed, 1).permutation(len(blocks))
        kept = min(_HELD_OUT, max(1, round(self.held_out * len(blocks)))) if self.held_out else 0
        held, learned = np.sort(order[:kept]), order[kept:]
        each_epoch = -(-len(learned) // self.batch)
        steps = self.steps or self.epochs * each_epoch
        adam = optimizer(model.named_parameters(), self.learning_rate, self.decay)
        # What is asked of the held-out blocks is the same each time.
        asked = _masking(blocks[held], corpus, self.masked, self.whole_words, generator(seed, 2)) if kept else None
        findings = [] if asked is None else self._judged(model, *asked, group="before")
        rows: list[list[Any]] = []
        if asked is not None:
            rows.append([0, None, findings[0].value, findings[1].value, None])
        progress.start("learn", steps * min(self.batch, len(learned)) * self.length, "tokens")
        step = epoch = 0
        told: list[Finding] = []
        while step < steps:
            model.train()
            began, summed, count, seen = time.perf_counter(), 0.0, 0, 0
            draw = generator(seed, 3, epoch)
            shuffled = draw.permutation(learned)
            for first in range(0, len(shuffled), self.batch):
                if step == steps:
                    break
                some = np.sort(shuffled[first : first + self.batch])
                ids, labels = _masking(blocks[some], corpus, self.masked, self.whole_words, draw)
                set_rate(adam, self.learning_rate, step, steps, self.warmup)
                adam.zero_grad(set_to_none=True)
                scores, wanted = self._scores(model, ids, labels)
                loss = torch.nn.functional.cross_entropy(scores, wanted)
                value = float(loss.item())
                if not np.isfinite(value):
                    raise BadOption(
                        f"training diverged in step {step + 1:,}: the loss is {value}; take a smaller learning_rate."
                    )
                loss.backward()
                torch.nn.utils.clip_grad_norm_(model.parameters(), _STEEPEST)
                adam.step()
                step += 1
                summed, count, seen = summed + value * len(wanted), count + len(wanted), seen + ids.size
                progress.advance(ids.size, loss=value)
            epoch += 1
            seconds = time.perf_counter() - began
            told = [Finding("training loss", summed / count, n=count, unit="nats")]
            quality: list[float | None] = [None, None]
            if asked is not None:
                after = self._judged(model, *asked, group="after")
                told += after
                quality = [each.value for each in after]
            rows.append([epoch, summed / count, *quality, seen / seconds])
        columns = ("epoch", "training loss", "loss", "accuracy", "tokens per second")
        notes = [f"loss and accuracy of masked tokens in {kept:,} blocks that were held out"] if kept else []
        return Report("training", [*findings, *told], [Table("epochs", columns, rows)], notes)

    def _scores(self, model: Any, ids: np.ndarray, labels: np.ndarray) -> tuple[Any, Any]:
        """Scores (m, vocabulary) of all tokens at the masked places alone, and what belongs there (m,)."""
        import torch

        device = model.device
        masked = torch.from_numpy(labels != _NO_LABEL).to(device)
        given, wanted = torch.from_numpy(ids).to(device), torch.from_numpy(labels).to(device)[masked]
        with torch.autocast(device.type, torch.bfloat16, enabled=self.precision == "bfloat16"):
            states = model.base_model(input_ids=given, attention_mask=torch.ones_like(given)).last_hidden_state[masked]
            scores = model.cls(states) if self.family == "bert" else model.decoder(model.head(states))
        return scores.float(), wanted

    def _judged(self, model: Any, ids: np.ndarray, labels: np.ndarray, group: str) -> list[Finding]:
        """Loss and accuracy of the masked tokens, with intervals over these."""
        import torch

        model.eval()
        losses, right = [], []
        with torch.inference_mode():
            for first in range(0, len(ids), self.batch):
                scores, wanted = self._scores(
                    model, ids[first : first + self.batch], labels[first : first + self.batch]
                )
                losses.append(torch.nn.functional.cross_entropy(scores, wanted, reduction="none").cpu().numpy())
                right.append((scores.argmax(1) == wanted).cpu().numpy())
        found = []
        for name, parts, unit in (("loss", losses, "nats"), ("accuracy", right, "")):
            values = np.concatenate(parts).astype(np.float64)
            low, high = of_mean(values, samples=200)
            found.append(Finding(name, float(values.mean()), low, high, len(values), unit, group))
        return found

    def _wrapped(self, tokenizer: Any) -> Any:
        """The tokenizer as the transformers library has it."""
        import transformers

        names = dict(zip(("pad_token", "unk_token", "cls_token", "sep_token", "mask_token"), SPECIAL, strict=True))
        return transformers.PreTrainedTokenizerFast(
            tokenizer_object=tokenizer, model_max_length=self.length, clean_up_tokenization_spaces=False, **names
        )


class Corpus(NamedTuple):
    """Text as blocks of ids.

    Args:
        blocks: (n, length - 2) int32, without the tokens that stand around each; may be memory-mapped.
        begins: Whether a token begins a word (vocabulary,) bool.
        told: What the card says of it.
    """

    blocks: np.ndarray
    begins: np.ndarray
    told: dict[str, Any]


def _masking(
    blocks: np.ndarray, corpus: Corpus, share: float, whole_words: bool, draw: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Ids (n, L) int64 of blocks with some masked, and what belongs there (n, L) int64, -1 where none is asked for.

    At least one token of all is masked.
    """
    ids = np.full((len(blocks), blocks.shape[1] + 2), _SEP, np.int64)
    ids[:, 0] = _CLS
    ids[:, 1:-1] = blocks
    plain = ids >= len(SPECIAL)
    if whole_words:
        begins = corpus.begins[ids] | ~plain
        begins[:, 0] = True
        words = np.cumsum(begins.reshape(-1)) - 1
        chosen = (draw.random(words[-1] + 1) < share)[words].reshape(ids.shape) & plain
    else:
        chosen = (draw.random(ids.shape) < share) & plain
    if not chosen.any():
        places = np.flatnonzero(plain)
        chosen.reshape(-1)[draw.choice(places) if len(places) else 1] = True
    labels = np.where(chosen, ids, _NO_LABEL)
    how = draw.random(ids.shape)
    others = draw.integers(len(SPECIAL), max(len(corpus.begins), len(SPECIAL) + 1), ids.shape)
    ids = np.where(chosen & (how < 0.8), _MASK, np.where(chosen & (how >= 0.9), others, ids))
    return ids, labels


def _plain(trained: Any) -> Any:
    """The same tokenizer, in which the special tokens alone are special."""
    from tokenizers import Tokenizer, models

    made = Tokenizer(models.WordPiece(trained.get_vocab(), unk_token=SPECIAL[_UNK]))
    made.normalizer, made.pre_tokenizer, made.decoder = trained.normalizer, trained.pre_tokenizer, trained.decoder
    made.add_special_tokens(list(SPECIAL))
    return made


def _whole(texts: Iterable[str]) -> Iterator[str]:
    """Texts that are some, with U+FFFD for half a surrogate pair, which no tokenizer can read."""
    for place, text in enumerate(texts):
        if not isinstance(text, str):
            raise BadData(f"text {place:,} is {type(text).__name__}; texts are strings.")
        if not text.isascii():
            text = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
        if text and not text.isspace():
            yield text
