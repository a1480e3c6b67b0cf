"""Commands over encoded texts: search them, leave out what is there twice, and tell what they are about."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, cast

import typer

from kinfold.app.output import Json, say, watched
from kinfold.app.vectors import SpacePath, Where

if TYPE_CHECKING:
    from kinfold.core.space import Space
    from kinfold.search.bm25 import BM25
    from kinfold.tasks.dedup import Deduped, Keep
    from kinfold.tasks.search import How

Text = Annotated[str, typer.Option(help="The attribute, or the column, that holds the texts.")]
Group = Annotated[
    str | None, typer.Option(help="Whose rows; by default the documents, the chunks, or else the first group.")
]
Threads = Annotated[int | None, typer.Option(help="How many work at once; by default as many as there are processors.")]
_TEXTS = (".jsonl", ".ndjson", ".csv", ".txt")
_WRITTEN = (".jsonl", ".ndjson", ".csv", ".tsv", ".parquet", ".txt")


def search(
    path: SpacePath,
    questions: Annotated[list[str] | None, typer.Argument(metavar="QUESTION...", help="What is asked.")] = None,
    queries: Annotated[Path | None, typer.Option(help="More questions: one a line of a file.")] = None,
    model: Annotated[
        str | None,
        typer.Option(
            help="What gives questions their rows: the folder of a transformer, or the file of the words that the "
            "texts were made of; by default what the Space remembers."
        ),
    ] = None,
    k: Annotated[int, typer.Option("-k", help="Texts for each question.")] = 10,
    how: Annotated[str, typer.Option(help="dense, by rows; bm25, by shared words; hybrid, by both.")] = "hybrid",
    rerank: Annotated[
        str | None, typer.Option(help="The folder of a cross-encoder, which orders the best hits anew.")
    ] = None,
    depth: Annotated[int, typer.Option(help="How many hits are ordered anew.")] = 50,
    where: Where = None,
    text: Text = "text",
    group: Group = None,
    index: Annotated[
        Path | None, typer.Option(help="An index of the rows, by `kinfold index`; by default all are compared.")
    ] = None,
    keep: Annotated[
        bool, typer.Option("--keep", help="Keep the index of words beside the Space, for the next time.")
    ] = False,
    prompt: Annotated[
        str | None,
        typer.Option(
            help="What is put before questions: the name of one of the model's prompts, or a text; by default the "
            "prompt called query where there is one."
        ),
    ] = None,
    weights: Annotated[str, typer.Option(help="Of dense and bm25 in a hybrid.")] = "1,1",
    threads: Threads = None,
    as_json: Json = False,
) -> None:
    """Find the texts that answer questions, by what they mean, by the words that they have, or by both."""
    import kinfold as kf
    from kinfold.core.errors import BadOption
    from kinfold.core.report import Table
    from kinfold.show import text as shown
    from kinfold.tasks.search import Searcher

    asked = [*(questions or ()), *(_lines(queries) if queries is not None else ())]
    if not asked:
        raise BadOption('nothing is asked for; give a "question", or --queries FILE with one a line.')
    try:
        shares = [float(each) for each in weights.split(",")]
    except ValueError as error:
        raise BadOption(f"--weights {weights} are no numbers; give two between commas: 1,0.5.") from error
    space = kf.open(path)
    rows = None if index is None else kf.search.open(index, space)
    words, built = _words(path, space, text, group, how, keep)
    searcher = Searcher(space, model, group, text, rows, words, prompt, rerank)
    with watched(as_json) as progress:
        found = searcher.find(
            asked, k, how=cast("How", how), where=where, weights=shares, depth=depth, threads=threads, progress=progress
        )
    if keep and how != "dense" and not built.exists():
        searcher.bm25.save(built)
    tables = []
    for each in found:
        parts = [name for name in ("dense", "bm25") if name in each.parts and len(each.parts) > 1]
        scores = zip(each, *(each.parts[name].tolist() for name in parts), strict=True)
        texts = each.snippets or [""] * len(each)
        lines = [[key, score, *own, told] for ((key, score), *own), told in zip(scores, texts, strict=True)]
        none = "" if lines else "    nothing was found"
        tables.append(Table(each.query + none, ("key", "score", *parts, "text"), lines))
    say([each.to_dict() for each in found], shown.render(tables), as_json)


def dedup(
    path: Annotated[
        Path, typer.Argument(metavar="SPACE|TEXTS", help="A Space of texts; or texts: .jsonl .csv, or .txt lines.")
    ],
    out: Annotated[Path, typer.Option("--out", "-o", help="Where what stays is written.")],
    threshold: Annotated[
        float | None,
        typer.Option(
            help="From where two texts are the same: the cosine of rows, or the share of common runs of words. "
            "\\[default: 0.95, or 0.7]",
            show_default=False,
        ),
    ] = None,
    exact: Annotated[bool, typer.Option("--exact", help="Only what is the same word for word.")] = False,
    keep: Annotated[str, typer.Option(help="What stays of each group: the first, or the longest.")] = "first",
    report: Annotated[Path | None, typer.Option(help="Write the groups here, one a line of JSON.")] = None,
    shingle: Annotated[int, typer.Option(help="Texts without rows: words of a run.")] = 3,
    text: Text = "text",
    key: Annotated[str | None, typer.Option(help="Texts without rows: the column that names them.")] = None,
    group: Group = None,
    threads: Threads = None,
    as_json: Json = False,
) -> None:
    """Leave out texts that say again what another one says, word for word or nearly so."""
    import kinfold as kf
    from kinfold.app.learn import _writable
    from kinfold.core.errors import BadFile, BadOption
    from kinfold.core.streams import bare_name
    from kinfold.show import text as shown
    from kinfold.sources.documents import read

    plain = bare_name(path).lower().endswith(_TEXTS)
    if plain and not out.name.lower().endswith(_WRITTEN):
        raise BadOption(f"{out}: texts are written as one of {', '.join(_WRITTEN)}.")
    if not plain:
        _writable(out)
    for each in (out, report):
        if each is not None and not each.absolute().parent.is_dir():
            raise BadFile(f"{each}: its folder does not exist; make it first.")
    how: dict[str, Any] = {"exact": exact, "keep": cast("Keep", keep), "threads": threads}
    if threshold is not None:
        how["threshold"] = threshold
    with watched(as_json) as progress:
        if plain:
            table = not bare_name(path).lower().endswith(".txt")
            items = read(path, text=text if table else None, key=key)
            found = kf.tasks.dedup.of_texts(items, shingle=shingle, progress=progress, **how)
            _write_texts(found, items.table, text, key, out)
        else:
            found = kf.tasks.dedup.dedup(kf.open(path), text=text, group=group, progress=progress, **how)
            assert found.space is not None
            found.space.save(out)
    if report is not None:
        found.save(report)
    values = {"path": str(out), "groups": None if report is None else str(report), **found.report.to_dict()}
    written = f"{len(found.kept):,} of {len(found.keys):,} texts → {out}"
    if report is not None:
        written += f"    groups → {report}"
    say(values, f"{shown.render(found.report)}\n{written}", as_json)


def topics(
    path: SpacePath,
    k: Annotated[
        int | None, typer.Option("-k", help="How many topics; by default as many as are best apart, from 2 to 50.")
    ] = None,
    out: Annotated[Path | None, typer.Option("--out", "-o", help="Write a page with the topics and a map.")] = None,
    save: Annotated[Path | None, typer.Option(help="Write the Space with each text's topic and its name.")] = None,
    words: Annotated[int, typer.Option(help="How many words tell of a topic.")] = 10,
    phrases: Annotated[
        bool, typer.Option("--phrases/--no-phrases", help="Whether pairs of words that belong together count as one.")
    ] = True,
    text: Text = "text",
    group: Group = None,
    name: Annotated[str, typer.Option(help="What the attribute is called.")] = "topic",
    layout: Annotated[str, typer.Option(help="Of the page's map: umap or pca.")] = "umap",
    restarts: Annotated[int, typer.Option(help="Times that k-means begins anew; the best fit counts.")] = 3,
    seed: Annotated[int, typer.Option(help="Of clusters, samples, intervals and the map.")] = 0,
    threads: Threads = None,
    as_json: Json = False,
) -> None:
    """Tell what texts are about: clusters of their rows, named by the words that they have of their own."""
    import kinfold as kf
    from kinfold.app.learn import _writable
    from kinfold.core.errors import BadFile, BadOption
    from kinfold.show import text as shown

    if out is not None and out.suffix.lower() not in (".html", ".htm"):
        raise BadOption(f"{out}: what is written is a page; name it .html, and the Space with --save.")
    if out is not None and not out.absolute().parent.is_dir():
        raise BadFile(f"{out}: its folder does not exist; make it first.")
    if save is not None:
        _writable(save)
    with watched(as_json) as progress:
        found = kf.tasks.topics.topics(
            kf.open(path),
            k,
            text=text,
            group=group,
            name=name,
            words=words,
            phrases=phrases,
            restarts=restarts,
            seed=seed,
            threads=threads,
            progress=progress,
        )
        if save is not None:
            found.space.save(save)
        if out is not None:
            kf.show.topics.write(found, out, method=layout, seed=seed, progress=progress)
    lines = [shown.render(found.report)]
    lines += [f"Page {out}    open it in a browser"] if out is not None else []
    lines += [f"→ {save}    kinfold map {save} --color {name} -o map.html"] if save is not None else []
    values = {
        "page": None if out is None else str(out),
        "path": None if save is None else str(save),
        "topics": [{name: getattr(each, name) for name in each.__slots__} for each in found.topics],
        "report": found.report.to_dict(),
    }
    say(values, "\n".join(lines), as_json)


def _lines(path: Path) -> list[str]:
    from kinfold.sources.text import read

    return [line for line in read([path]).raw if line.strip()]


def _words(path: Path, space: Space, text: str, group: str | None, how: str, keep: bool) -> tuple[BM25 | None, Path]:
    """The words of the texts as they were kept beside the Space, and where that is."""
    from kinfold.search.bm25 import BM25

    place = path.with_suffix(f".{BM25.name}")
    if how == "dense" or not place.exists():
        return None, place
    found = BM25.open(place, space)
    if found.parameters["text"] != text or (group is not None and found.parameters["group"] != group):
        return None, place
    return found, place


def _write_texts(found: Deduped, table: Any, text: str, key: str | None, out: Path) -> None:
    """The texts that stay with the other columns of their table; whole or not at all."""
    import pyarrow as pa
    import pyarrow.csv
    import pyarrow.parquet

    from kinfold.core.columns import to_arrow
    from kinfold.core.files import whole_file

    assert found.texts is not None
    kept = to_arrow(found.kept)
    columns = {} if key is None else {key: found.keys.names.take(kept)}
    columns[text] = found.texts.take(kept)
    for name in [] if table is None else table.column_names:
        columns[name] = table[name].take(kept)
    made, name = pa.table(columns), out.name.lower()
    with whole_file(out) as temporary:
        if name.endswith(".parquet"):
            pyarrow.parquet.write_table(made, temporary)
        elif name.endswith((".csv", ".tsv")):
            separator = "\t" if name.endswith(".tsv") else ","
            pyarrow.csv.write_csv(made, temporary, pyarrow.csv.WriteOptions(delimiter=separator))
        else:
            lines: Sequence[Any] = made[text].to_pylist() if name.endswith(".txt") else made.to_pylist()
            with open(temporary, "w", encoding="utf-8") as file:
                for line in lines:
                    told = line if isinstance(line, str) else json.dumps(line, ensure_ascii=False, default=str)
                    file.write(told + "\n")
