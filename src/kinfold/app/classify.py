"""`kinfold classify` and `kinfold predict`: texts get labels."""

from __future__ import annotations

import dataclasses
import inspect
import time
import typing
from pathlib import Path
from typing import Annotated, Any

import typer

from kinfold.app.output import Json, say, watched
from kinfold.core.errors import BadOption
from kinfold.core.files import existing
from kinfold.core.report import Report

_SHOWN = 60  # characters of a text beside its labels


def classify() -> None:
    """Train a classifier on labeled texts, and judge it on others."""


def classify_command() -> Any:
    """The click command, with the options of `tasks.classify.train` and of the learner."""
    from kinfold.app.learn import _recipe_options, _with_options
    from kinfold.tasks.classify import train

    def command(
        training: Annotated[
            Path,
            typer.Argument(
                metavar="TRAIN",
                help="Labeled texts: lines '__label__warm some text', or a table (.jsonl .csv .tsv .parquet) with "
                "--text and --label.",
            ),
        ],
        test: Annotated[
            Path | None, typer.Argument(metavar="TEST", help="Other texts, in the same form: judge it on them.")
        ] = None,
        out: Annotated[Path | None, typer.Option("--out", "-o", help="Where the classifier is written.")] = None,
        k: Annotated[
            list[int] | None, typer.Option("-k", help=r"Depths of precision and recall. \[default: 1 5]")
        ] = None,
        threshold: Annotated[
            float | None, typer.Option(help="Labels of at least this probability count as told; else the likeliest.")
        ] = None,
        as_json: Json = False,
        **options: Any,
    ) -> None:
        given = {name: value for name, value in options.items() if value is not None}
        _run(training, test, out, {"k": k or (1, 5), "threshold": threshold}, given, as_json)

    command.__doc__ = classify.__doc__
    single = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
    single.command(name="classify")(_with_options(command, [*_recipe_options(train), *_fields()]))
    return typer.main.get_command(single)


def _fields() -> list[inspect.Parameter]:
    """Options of the learner's fields."""
    from kinfold.app.learn import _documented, _option
    from kinfold.learn.supervised import Supervised

    helps, kinds = _documented(Supervised), typing.get_type_hints(Supervised)
    return [
        _option(field.name, kinds[field.name], field.default, helps.get(field.name, ""))
        for field in dataclasses.fields(Supervised)
    ]


def _run(
    training: Path, test: Path | None, out: Path | None, judging: dict[str, Any], given: dict[str, Any], as_json: bool
) -> None:
    from kinfold.app.learn import _writable
    from kinfold.tasks.classify import TextClassifier, train

    if test is None and out is None:
        raise BadOption("what is learned would be lost; give a TEST file to judge it on, -o FILE to keep it, or both.")
    if min(judging["k"]) < 1:
        raise BadOption(f"-k is {min(judging['k'])}; depths are at least 1.")
    if out is not None:
        _writable(out)
    if test is not None:
        existing(test)  # before an hour of learning, not after it
    began = time.perf_counter()
    report = None
    with watched(as_json) as progress:
        classifier = train(training, progress=progress, **given)
        seconds = time.perf_counter() - began
        if test is not None:
            reading = {name: given[name] for name in ("text", "label", "prefix", "bad_bytes") if name in given}
            report = classifier.evaluate(test, seed=given.get("seed", 0), progress=progress, **reading, **judging)
            classifier = TextClassifier(classifier.space.with_report(report), classifier.text)
        if out is not None:
            classifier.save(out)
    _tell(classifier, report, out, seconds, as_json)


def _tell(classifier: Any, report: Report | None, out: Path | None, seconds: float, as_json: bool) -> None:
    from kinfold.show import text
    from kinfold.show.glance import size

    space = classifier.space
    data = space.card.data
    training = next(each for each in space.card.reports if each.title == "training")
    groups = {name: len(rows) for name, rows in space.groups.items()}
    values = {
        "path": None if out is None else str(out),
        "bytes": None if out is None else out.stat().st_size,
        "texts": data["texts"],
        "labeled": data["labeled"],
        "groups": groups,
        "seconds": seconds,
        "card": {"frame": space.frame, "method": space.card.method, "parameters": dict(space.card.parameters)},
        "epochs": [dict(zip(training.tables[0].columns, row, strict=True)) for row in training.tables[0].rows],
        "report": None if report is None else report.to_dict(),
    }
    rows = ", ".join(f"{count:,} {name}s" for name, count in groups.items())
    lines = [f"{rows} × {space.dim} from {data['labeled']:,} labeled texts in {seconds:.2f} s"]
    without = data["texts"] - data["labeled"]
    if without:
        lines.append(f"  {without:,} of {data['texts']:,} texts (or lines) have no label and were passed over")
    if report is not None:
        lines += ["", text.render(report)]
    if out is not None:
        lines.append(f"{size(out.stat().st_size)} → {out}    Next: kinfold predict {out} 'some text'")
    say(values, "\n".join(lines), as_json)


def predict(
    path: Annotated[
        Path, typer.Argument(metavar="MODEL", help="What `kinfold classify -o` wrote, or a supervised fastText model.")
    ],
    texts: Annotated[list[str] | None, typer.Argument(metavar="TEXT", help="Texts to be labeled.")] = None,
    file: Annotated[
        Path | None, typer.Option(help="Texts to be labeled: one a line, or a table (.jsonl .csv .tsv .parquet).")
    ] = None,
    k: Annotated[int, typer.Option("-k", help="Labels wanted for each text.")] = 1,
    threshold: Annotated[float, typer.Option(help="Only labels of at least this probability.")] = 0.0,
    text: Annotated[str, typer.Option(help="Column of the texts, where --file is a table.")] = "text",
    label: Annotated[
        str | None, typer.Option(help="Column of known labels in --file: what is told is judged, too.")
    ] = None,
    prefix: Annotated[
        str | None,
        typer.Option(
            help="What known labels in the lines of --file begin with (__label__; '' for the first word of a line): "
            "what is told is judged, too."
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """Tell the labels of texts, with their probabilities."""
    import kinfold as kf
    from kinfold.core.report import Table
    from kinfold.show import text as shown
    from kinfold.sources.labeled import PREFIX

    if bool(texts) == (file is not None):
        raise BadOption("give texts, or --file FILE with one a line or in a table; one of the two.")
    judged = label is not None or prefix is not None
    if judged and file is None:
        raise BadOption("--label and --prefix say where the known labels of --file are; texts by themselves have none.")
    classifier = kf.tasks.classify.TextClassifier.open(path)
    report = None
    with watched(as_json) as progress:
        if judged:
            known: dict[str, Any] = {"text": text, "label": label or "label"}
            known["prefix"] = PREFIX if prefix is None else prefix
            items = kf.sources.labeled.read(file, **known)
            report = classifier.evaluate(file, threshold=threshold or None, progress=progress, **known)
        else:
            items = kf.sources.text.read(texts if file is None else file, column=text)
        hits = classifier.predict(items, k, threshold, progress=progress)
    names = list(items.raw)
    values = {
        "predictions": [
            {"text": name, "labels": [{"label": each, "probability": chance} for each, chance in found]}
            for name, found in zip(names, hits, strict=True)
        ],
        "report": None if report is None else report.to_dict(),
    }
    rows = [
        [
            ", ".join(f"{each} {chance:.3f}" for each, chance in found),
            name if len(name) <= _SHOWN else name[: _SHOWN - 1] + "…",
        ]
        for name, found in zip(names, hits, strict=True)
    ]
    parts: list[Any] = [Table(f"Labels by {path.name}", ("labels", "text"), rows)]
    say(values, shown.render([*parts, *([] if report is None else [report])]), as_json)
