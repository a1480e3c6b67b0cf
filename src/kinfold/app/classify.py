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
from kinfold.core.errors import BadFile, BadOption
from kinfold.core.files import existing
from kinfold.core.report import Report

_SHOWN = 60  # characters of a text beside its labels

ModelPath = Annotated[
    Path | None,
    typer.Option(
        help="What gives texts rows: the folder of a transformer, a static model or a Space; a linear probe is learned "
        "on them."
    ),
]
Tune = Annotated[bool, typer.Option("--fine-tune", help="The transformer of --model learns as a whole instead.")]


def classify() -> None:
    """Train a classifier on labeled texts, and judge it on others."""


def classify_command() -> Any:
    """The click command, with the options of `tasks.classify.train` and of the learners."""
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
        out: Annotated[
            Path | None,
            typer.Option("--out", "-o", help="Where the classifier is written; a folder with --fine-tune."),
        ] = None,
        model: ModelPath = None,
        fine_tune: Tune = False,
        dev: Annotated[
            Path | None, typer.Option(help="With --fine-tune: labeled texts to choose the best epoch on; else a tenth.")
        ] = None,
        curve: Annotated[
            bool,
            typer.Option(
                "--curve",
                help="With --model and TEST: accuracy with 1 %, 10 % and all labels, by TF-IDF, word vectors, the "
                "frozen model and the fine-tuned one.",
            ),
        ] = False,
        words: Annotated[
            Path | None, typer.Option(help="With --curve: a Space of word vectors; else supervised fastText.")
        ] = None,
        page: Annotated[
            Path | None, typer.Option(help="With --curve: the HTML page to write; opens from disk, no network.")
        ] = None,
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
        if curve or words is not None or page is not None:
            if not curve or model is None or test is None:
                raise BadOption(
                    "a learning curve takes --curve, --model and a TEST file; --words and --page go with it."
                )
            _curve(
                training,
                test,
                {"model": model, "words": words, "tune": fine_tune or None, **given},
                page or out,
                as_json,
            )
            return
        given |= {"model": model, "tune": fine_tune, "dev": dev}
        _run(training, test, out, {"k": k or (1, 5), "threshold": threshold}, given, as_json)

    command.__doc__ = classify.__doc__
    single = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
    own = [each for each in _recipe_options(train) if each.name not in ("model", "tune", "dev")]
    single.command(name="classify")(_with_options(command, [*own, *_fields()]))
    return typer.main.get_command(single)


def _fields() -> list[inspect.Parameter]:
    """Options of the fields of fastText, of a probe and of fine-tuning, each once."""
    from kinfold.app.learn import _documented, _option
    from kinfold.learn.heads import Head
    from kinfold.learn.probe import Probe
    from kinfold.learn.supervised import Supervised

    found: dict[str, inspect.Parameter] = {}
    heads = {field.name: field.default for field in dataclasses.fields(Head)}
    for kind, whose in ((Supervised, ""), (Probe, " (--model only)"), (Head, " (--fine-tune only)")):
        helps, kinds = _documented(kind), typing.get_type_hints(kind)
        for field in dataclasses.fields(kind):
            others = [f"{heads[field.name]} with --fine-tune"] if kind is Supervised and field.name in heads else []
            text = helps.get(field.name, "") + whose
            found.setdefault(field.name, _option(field.name, kinds[field.name], field.default, text, others))
    return list(found.values())


def _curve(training: Path, test: Path, given: dict[str, Any], page: Path | None, as_json: bool) -> None:
    from kinfold.app.learn import _writable
    from kinfold.io.checkpoint import is_checkpoint
    from kinfold.show import curve as pages
    from kinfold.show import text
    from kinfold.tasks.curve import curve

    if page is not None:
        _writable(page)
        if page.suffix.lower() not in (".html", ".htm"):
            raise BadOption(f"{page}: what is written is a page; name it .html.")
    for name in ("tokenizer", "lower"):
        if name in given:
            raise BadOption(f"--{name} is of supervised fastText alone, and does not go with --curve.")
    given["tune"] = is_checkpoint(given["model"])
    with watched(as_json) as progress:
        report = curve(existing(training), existing(test), progress=progress, **given)
    if page is not None:
        pages.write(report, page, lead=f"{training.name}, judged on {test.name}; the model is {given['model']}")
    said = [text.render(report), *([] if page is None else [f"Page {page}    open it in a browser"])]
    say({"page": None if page is None else str(page), "report": report.to_dict()}, "\n".join(said), as_json)


def _run(
    training: Path, test: Path | None, out: Path | None, judging: dict[str, Any], given: dict[str, Any], as_json: bool
) -> None:
    from kinfold.app.learn import _writable
    from kinfold.tasks.classify import train

    if test is None and out is None:
        raise BadOption("what is learned would be lost; give a TEST file to judge it on, -o FILE to keep it, or both.")
    if given["tune"] and given["model"] is None:
        raise BadOption("--fine-tune begins with a transformer; name its folder with --model.")
    if min(judging["k"]) < 1:
        raise BadOption(f"-k is {min(judging['k'])}; depths are at least 1.")
    if out is not None:
        (new_folder if given["tune"] else _writable)(out)
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
            classifier = classifier.with_report(report)
        if out is not None:
            classifier.save(out)
    _tell(classifier, report, out, seconds, as_json)


def new_folder(out: Path) -> None:
    """Does nothing where a folder can be made.

    Raises:
        BadFile: Its parent is missing, or it holds something.
    """
    if not out.absolute().parent.is_dir():
        raise BadFile(f"{out}: its folder does not exist; make it first.")
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise BadFile(f"{out}: exists already; name another folder or remove it first.")


def weight(out: Path) -> int:
    """Bytes of a file, or of all files in a folder."""
    return sum(each.stat().st_size for each in out.rglob("*") if each.is_file()) if out.is_dir() else out.stat().st_size


def _tell(classifier: Any, report: Report | None, out: Path | None, seconds: float, as_json: bool) -> None:
    from kinfold.show import text
    from kinfold.show.glance import size

    space = getattr(classifier, "space", None)
    data = classifier.note["data"] if space is None else space.card.data
    training = classifier.training
    groups = {"label": len(classifier.labels)} if space is None else {name: len(r) for name, r in space.groups.items()}
    tables = training.tables if training.tables and training.tables[0].columns[0] == "epoch" else []
    values = {
        "path": None if out is None else str(out),
        "bytes": None if out is None else weight(out),
        "texts": data["texts"],
        "labeled": data["labeled"],
        "groups": groups,
        "seconds": seconds,
        "epochs": [dict(zip(each.columns, row, strict=True)) for each in tables[:1] for row in each.rows],
        "training": training.to_dict(),
        "report": None if report is None else report.to_dict(),
    }
    if space is None:
        values["card"] = {"method": classifier.note["method"], "parameters": dict(classifier.note["parameters"])}
        wide = ""
    else:
        values["card"] = {"frame": space.frame, "method": space.card.method, "parameters": dict(space.card.parameters)}
        wide = f" × {space.dim}"
    rows = ", ".join(f"{count:,} {name}s" for name, count in groups.items())
    lines = [f"{rows}{wide} from {data['labeled']:,} labeled texts in {seconds:.2f} s"]
    without = data["texts"] - data["labeled"]
    if without:
        lines.append(f"  {without:,} of {data['texts']:,} texts (or lines) have no label and were passed over")
    if training.findings:
        lines += ["", text.render(training)]
    if report is not None:
        lines += ["", text.render(report)]
    if out is not None:
        lines.append(f"{size(weight(out))} → {out}    Next: kinfold predict {out} 'some text'")
    say(values, "\n".join(lines), as_json)


def predict(
    path: Annotated[
        Path,
        typer.Argument(
            metavar="MODEL",
            help="What `kinfold classify -o` or `kinfold tag -o` wrote, a supervised fastText model, or the folder of "
            "a transformer with a head.",
        ),
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
    """Tell the labels of texts, or the spans in them, with their probabilities."""
    import kinfold as kf
    from kinfold.core.report import Table
    from kinfold.show import text as shown
    from kinfold.sources.labeled import PREFIX

    if bool(texts) == (file is not None):
        raise BadOption("give texts, or --file FILE with one a line or in a table; one of the two.")
    judged = label is not None or prefix is not None
    if judged and file is None:
        raise BadOption("--label and --prefix say where the known labels of --file are; texts by themselves have none.")
    if kf.tasks.tag.is_tagger(path):
        from kinfold.app.tag import tell_spans

        if judged or k != 1:
            raise BadOption("a tagger finds spans: -k, --label and --prefix are of labels. `kinfold tag` judges it.")
        items = kf.sources.text.read(texts if file is None else file, column=text)
        tell_spans(path, list(items.raw), threshold, as_json)
        return
    classifier = kf.tasks.classify.open(path)
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
