"""Commands that make something to look at: the map, the report, the demo."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated, Any

import typer

from kinfold.app.output import Json, say, watched
from kinfold.app.vectors import SpacePath

Page = Annotated[Path, typer.Option("--out", "-o", help="The HTML file to write; opens from disk, no network.")]
Seed = Annotated[int, typer.Option(help="Of the layout.")]
_OFTEN = 50


def map_(
    path: SpacePath,
    out: Page,
    method: Annotated[str, typer.Option(help="umap or pca.")] = "umap",
    color: Annotated[str | None, typer.Option(help="Attribute that colors the points.")] = None,
    label: Annotated[
        str | None, typer.Option(help="Attribute that points are called by; their keys by default.")
    ] = None,
    group: Annotated[
        list[str] | None,
        typer.Option(help="Group to draw; by default the first. May be repeated for one map of several."),
    ] = None,
    limit: Annotated[int, typer.Option(help="Most points to draw: the most frequent, or the first rows.")] = 100_000,
    seed: Seed = 0,
    as_json: Json = False,
) -> None:
    """Draw a Space as a map to hover, search and zoom."""
    import kinfold as kf
    from kinfold.show.glance import size

    space = kf.show.map.part(kf.open(path), group)
    with watched(as_json) as progress:
        how: dict[str, Any] = {"method": method, "color": color, "label": label, "limit": limit, "seed": seed}
        kf.show.map.write(space, out, group=list(space.groups), progress=progress, **how)
    values = {"path": str(out), "points": min(limit, len(space)), "bytes": out.stat().st_size}
    say(values, f"{values['points']:,} points, {size(out.stat().st_size)} → {out}", as_json)


def report(
    path: SpacePath,
    out: Page,
    group: Annotated[
        str | None, typer.Option(help="What map, neighbors and vocabulary are of; by default the first group.")
    ] = None,
    label: Annotated[
        str | None, typer.Option(help="Attribute that keys are called by, such as a title; by default keys.")
    ] = None,
    without: Annotated[
        list[str] | None,
        typer.Option(metavar="PART", help="Leave out a part, such as map or clusters; may be repeated."),
    ] = None,
    method: Annotated[str, typer.Option(help="Layout of the map, umap or pca.")] = "umap",
    map_limit: Annotated[
        int, typer.Option(help="Most points of the map: the most frequent, or the first rows.")
    ] = 50_000,
    title: Annotated[str | None, typer.Option(help="Heading of the page.")] = None,
    seed: Annotated[int, typer.Option(help="Of samples, intervals and the map.")] = 0,
    as_json: Json = False,
) -> None:
    """Measure all that can be asked of a Space alone, and write it as one HTML page with a map."""
    import kinfold as kf
    from kinfold.show.glance import size

    space = kf.open(path)
    how: dict[str, Any] = {
        "group": group,
        "label": label,
        "without": without or (),
        "method": method,
        "map_limit": map_limit,
        "title": title,
        "seed": seed,
    }
    with watched(as_json) as progress:
        sections = kf.report(space, out, progress=progress, **how)
    values = {"path": str(out), "bytes": out.stat().st_size, "sections": [each.to_dict() for each in sections]}
    lines = [reading for each in sections for reading in each.readings]
    lines += [f"{each.title} is left out: {each.absent}" for each in sections if each.absent]
    say(values, "\n".join([*lines, f"{size(out.stat().st_size)} → {out}"]), as_json)


def compare(
    first: Annotated[Path, typer.Argument(metavar="FIRST", help="A Space, or vectors in any format.")],
    second: Annotated[Path, typer.Argument(metavar="SECOND", help="The one that is compared with it.")],
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="Write a page with tables, charts and a map of what moved.")
    ] = None,
    k: Annotated[int, typer.Option("-k", help="Neighbors of each key, among the keys that both have.")] = 10,
    sample: Annotated[int, typer.Option(help="Keys that are asked for their neighbors.")] = 2000,
    group: Annotated[str | None, typer.Option(help="Whose keys; by default those of the first groups.")] = None,
    method: Annotated[str, typer.Option(help="Layout of the map, umap or pca.")] = "umap",
    map_limit: Annotated[
        int, typer.Option(help="Most points of the map: the most frequent, or the first rows.")
    ] = 20_000,
    title: Annotated[str | None, typer.Option(help="Heading of the page.")] = None,
    seed: Annotated[int, typer.Option(help="Of samples, intervals and the map.")] = 0,
    as_json: Json = False,
) -> None:
    """Two Spaces side by side: keys gone and new, neighbors kept, what moved most, scores of both cards."""
    import kinfold as kf
    from kinfold.show import text
    from kinfold.show.glance import size

    spaces = kf.open(first), kf.open(second)
    names = (first.stem, second.stem) if first.stem != second.stem else (str(first), str(second))
    found = kf.compare(*spaces, k=k, sample=sample, group=group, names=names, seed=seed)
    values, shown = found.to_dict(), text.render(found)
    if out is not None:
        how: dict[str, Any] = {"names": names, "group": group, "method": method, "limit": map_limit, "seed": seed}
        with watched(as_json) as progress:
            kf.show.compare.write(*spaces, found, out, title=title, progress=progress, **how)
        values["path"] = str(out)
        shown += f"\n{size(out.stat().st_size)} → {out}"
    say(values, shown, as_json)


def demo(
    folder: Annotated[Path, typer.Option("--out", "-o", help="Where words.arrow and report.html are written.")] = Path(
        "demo"
    ),
    dim: Annotated[int, typer.Option(help="Coordinates of a row.")] = 100,
    epochs: Annotated[int, typer.Option(help="Passes over the text; more than usual, since it is short.")] = 15,
    threads: Annotated[int | None, typer.Option(help="How many work at once; by default one a processor.")] = None,
    seed: Seed = 0,
    as_json: Json = False,
) -> None:
    """Learn word vectors from the documentation of the Python packages installed here, and show them."""
    import kinfold as kf
    from kinfold.core.report import Finding, Report, Table
    from kinfold.recipes.words import learn
    from kinfold.show import text
    from kinfold.show.glance import size

    folder.mkdir(parents=True, exist_ok=True)
    began = time.perf_counter()
    with watched(as_json) as progress:
        texts = kf.sources.docstrings.read()
        data = kf.prepare.tokens.sequences(texts, threads=threads, progress=progress)
        read = time.perf_counter()
        space = learn(kf.learn.Word2Vec(dim=dim, epochs=epochs), data, seed=seed, threads=threads, progress=progress)
        learned = time.perf_counter()
        sizes = Report(
            "cost",
            (
                Finding("read and tokenize", read - began, unit="s"),
                Finding("learn", learned - read, unit="s"),
                Finding("peak memory", peak_memory() / 1e6, unit="MB"),
            ),
            notes=("Peak memory is of the whole process.",),
        )
        space = space.with_report(sizes)
        space.save(folder / "words.arrow")
        kf.report(space, folder / "report.html", seed=seed, progress=progress)
    shown = _picked(space)
    # A rare word is near by chance as often as by meaning.
    often = f"count >= {_OFTEN}" if len(space) > 1000 else None
    hits = space.nearest_many(shown, k=6, where=often)
    seconds = time.perf_counter() - began
    values = {
        "space": str(folder / "words.arrow"),
        "report": str(folder / "report.html"),
        "tokens": data.total,
        "words": len(space),
        "seconds": seconds,
        "peak_bytes": peak_memory(),
        "nearest": [each.to_dict() for each in hits],
        "cost": sizes.to_dict(),
    }
    table = Table(
        f"Nearest among words seen {_OFTEN} times",
        ("word", "nearest"),
        [[each.query, ", ".join(each.keys)] for each in hits],
    )
    lines = [text.render(table), ""]
    lines.append(
        f"{data.total:,} words of documentation, {len(space):,} different ones seen at least 5 times, {dim} dimensions"
    )
    times = f"read in {read - began:.1f} s, learned in {learned - read:.1f} s, everything in {seconds:.1f} s"
    lines.append(f"{times}, {size(peak_memory())} of memory at the peak")
    lines.append(f"Space  {folder / 'words.arrow'}    kinfold nearest {folder / 'words.arrow'} {shown[0]}")
    lines.append(f"Report {folder / 'report.html'}    open it in a browser")
    say(values, "\n".join(lines), as_json)


def peak_memory() -> int:
    """Bytes of memory that this process held at most."""
    import resource
    import sys

    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most if sys.platform == "darwin" else most * 1024


def _picked(space: object) -> list[str]:
    """Six words that say something: long ones among those of middling frequency, spread over the ranks."""
    from kinfold.core.space import Space

    assert isinstance(space, Space)
    names = [name for name in space.keys.names.slice(150, 1500).to_pylist() if len(name) >= 5 and name.isalpha()]
    names = names or list(space.keys)[:6]
    step = max(1, len(names) // 6)
    return names[::step][:6]
