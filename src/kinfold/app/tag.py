"""`kinfold tag`: spans in sentences are learned, judged and told."""

from __future__ import annotations

import dataclasses
import inspect
import time
import typing
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from kinfold.app.classify import Tune, new_folder, weight
from kinfold.app.output import Json, say, watched
from kinfold.core.errors import BadOption
from kinfold.core.files import existing

_LISTED = 200  # spans of a table


def tag() -> None:
    """Train a tagger on sentences whose words have tags, and judge it on others."""


def tag_command() -> Any:
    """The click command, with the options of `tasks.tag.train` and of the learners."""
    from kinfold.app.learn import _recipe_options, _with_options
    from kinfold.tasks.tag import train

    def command(
        training: Annotated[
            Path,
            typer.Argument(
                metavar="TRAIN",
                help="Tagged sentences: lines of a word and its tag, empty lines between sentences; or .jsonl with "
                "tokens and tags, or text and spans.",
            ),
        ],
        model: Annotated[
            Path,
            typer.Option(
                help="What gives words rows: the folder of a transformer, or static vectors (a Space, a static model)."
            ),
        ],
        test: Annotated[
            Path | None, typer.Argument(metavar="TEST", help="Other sentences, in the same form: judge it on them.")
        ] = None,
        out: Annotated[
            Path | None, typer.Option("--out", "-o", help="Where the tagger is written; a folder with --fine-tune.")
        ] = None,
        fine_tune: Tune = False,
        dev: Annotated[
            Path | None, typer.Option(help="With --fine-tune: sentences to choose the best epoch on; else a tenth.")
        ] = None,
        as_json: Json = False,
        **options: Any,
    ) -> None:
        given = {name: value for name, value in options.items() if value is not None}
        given |= {"model": model, "tune": fine_tune, "dev": dev}
        _run(training, test, out, given, as_json)

    command.__doc__ = tag.__doc__
    single = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
    own = [each for each in _recipe_options(train) if each.name not in ("model", "tune", "dev")]
    single.command(name="tag")(_with_options(command, [*own, *_fields()]))
    return typer.main.get_command(single)


def _fields() -> list[inspect.Parameter]:
    """Options of the fields of a probe and of fine-tuning."""
    from kinfold.app.learn import _documented, _option
    from kinfold.learn.heads import Head
    from kinfold.learn.probe import Probe

    found = []
    for kind, whose in ((Probe, " (without --fine-tune)"), (Head, " (--fine-tune only)")):
        helps, kinds = _documented(kind), typing.get_type_hints(kind)
        for field in dataclasses.fields(kind):
            default = 3 if field.name == "folds" else field.default
            found.append(_option(field.name, kinds[field.name], default, helps.get(field.name, "") + whose))
    return found


def _run(training: Path, test: Path | None, out: Path | None, given: dict[str, Any], as_json: bool) -> None:
    from kinfold.app.learn import _writable
    from kinfold.show import text
    from kinfold.show.glance import size
    from kinfold.sources import conll
    from kinfold.tasks.tag import train, vocabulary

    if test is None and out is None:
        raise BadOption("what is learned would be lost; give a TEST file to judge it on, -o FILE to keep it, or both.")
    if out is not None:
        (new_folder if given["tune"] else _writable)(out)
    if test is not None:
        existing(test)
    reading: dict[str, Any] = {name: given[name] for name in ("prefix", "on_bad", "bad_bytes") if name in given}
    began = time.perf_counter()
    report = None
    with watched(as_json) as progress:
        tagged = conll.read(training, **reading)
        tagger: Any = train(tagged, progress=progress, **{**given, **_read_dev(given, reading)})
        seconds = time.perf_counter() - began
        if test is not None:
            seed = given.get("seed", 0)
            report = tagger.evaluate(test, seen=vocabulary(tagged), seed=seed, progress=progress, **reading)
            tagger = tagger.with_report(report)
        if out is not None:
            tagger.save(out)
    values = {
        "path": None if out is None else str(out),
        "bytes": None if out is None else weight(out),
        "sentences": len(tagged),
        "scheme": tagged.scheme,
        "skipped": tagged.skipped,
        "tags": tagger.tags,
        "seconds": seconds,
        "training": tagger.training.to_dict(),
        "report": None if report is None else report.to_dict(),
    }
    kinds = sum(each.startswith("B-") for each in tagger.tags)
    lines = [f"{kinds:,} types from {len(tagged):,} sentences ({tagged.scheme}) in {seconds:.2f} s"]
    if tagged.skipped:
        lines.append(f"  broken lines skipped: {tagged.skipped:,}")
    lines += ["", text.render(tagger.training)]
    if report is not None:
        lines += ["", text.render(report)]
    if out is not None:
        lines.append(f"{size(weight(out))} → {out}    Next: kinfold predict {out} 'some text'")
    say(values, "\n".join(lines), as_json)


def _read_dev(given: dict[str, Any], reading: dict[str, Any]) -> dict[str, Any]:
    """What was read already is not read with the options of files once more."""
    from kinfold.sources import conll

    plain = {"prefix": "", "on_bad": "raise"}
    return {**plain, "dev": None if given["dev"] is None else conll.read(given["dev"], **reading)}


def tell_spans(path: Path, texts: Sequence[str], threshold: float, as_json: bool) -> None:
    """Prints the spans of texts."""
    import kinfold as kf
    from kinfold.core.report import Table
    from kinfold.show import text as shown

    with watched(as_json) as progress:
        found = kf.tasks.tag.predict(kf.tasks.tag.open(path), texts, threshold, progress=progress)
    values = {
        "predictions": [
            {"text": text, "spans": [span._asdict() for span in spans]}
            for text, spans in zip(texts, found, strict=True)
        ]
    }
    rows = [
        [span.text, span.type, f"{span.probability:.3f}", number, span.begin, span.end]
        for number, spans in enumerate(found)
        for span in spans
    ]
    title = f"{len(rows):,} spans by {path.name}" + (f", the first {_LISTED}" if len(rows) > _LISTED else "")
    table = Table(title, ("span", "type", "probability", "text", "begin", "end"), rows[:_LISTED])
    say(values, shown.render([table]), as_json)
