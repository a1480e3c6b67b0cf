"""The command that takes a concept out of a Space, and tells what is left of it and what it cost."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from kinfold.app.output import Json, say, watched
from kinfold.app.vectors import SpacePath

if TYPE_CHECKING:
    from kinfold.core.report import Finding, Report, Table

_SHOWN = 12


def debias(
    path: SpacePath,
    method: Annotated[
        str,
        typer.Option(help="hard, double-hard, half-sibling, repulsion-attraction, inlp or leace."),
    ] = "hard",
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="Where the debiased Space is written; else it is only told of.")
    ] = None,
    lists: Annotated[
        str | None,
        typer.Option(
            help="What to take out: gender, race, religion, or a .toml file with [pairs]. \\[default: gender]",
            show_default=False,
        ),
    ] = None,
    kinds: Annotated[
        list[str] | None,
        typer.Option(help="inlp, leace: a list of words that is one kind, by its name in the lists; again for others."),
    ] = None,
    attribute: Annotated[
        str | None, typer.Option(help="inlp, leace: an attribute of the Space whose kinds are made alike.")
    ] = None,
    group: Annotated[str | None, typer.Option(help="Whose rows; by default the first group.")] = None,
    lower: Annotated[
        bool | None,
        typer.Option("--lower/--no-lower", help="Lower-case words; by default where all keys are in lower case."),
    ] = None,
    audit: Annotated[
        list[str] | None,
        typer.Option(help="Lists whose questions are asked before and after; by default those of the concept."),
    ] = None,
    similarity: Annotated[
        list[Path] | None, typer.Option(help="Scored pairs that are asked before and after; again for more.")
    ] = None,
    analogies: Annotated[
        list[Path] | None, typer.Option(help="Analogies that are asked before and after; again for more.")
    ] = None,
    biased: Annotated[int, typer.Option(help="Words of either side that are judged, and erased.")] = 1000,
    restrict: Annotated[int, typer.Option(help="Only the most frequent rows are candidates for that.")] = 50_000,
    k: Annotated[int, typer.Option("-k", help="Neighbors of each key that are compared.")] = 10,
    components: Annotated[int | None, typer.Option(help="hard, double-hard: directions that are taken out.")] = None,
    cased: Annotated[
        bool | None, typer.Option("--cased/--not-cased", help="hard, double-hard: also equalize Pairs, PAIRS, pairs.")
    ] = None,
    candidates: Annotated[int | None, typer.Option(help="double-hard: main directions that are tried.")] = None,
    regularization: Annotated[float | None, typer.Option(help="half-sibling: penalty of the regression.")] = None,
    repulsion: Annotated[float | None, typer.Option(help="repulsion-attraction: weight of leaving neighbors.")] = None,
    attraction: Annotated[float | None, typer.Option(help="… of staying near to what a word was.")] = None,
    neutralization: Annotated[float | None, typer.Option(help="… of having no part in the direction.")] = None,
    threshold: Annotated[float | None, typer.Option(help="… from which indirect bias on neighbors are left.")] = None,
    neighbors: Annotated[int | None, typer.Option(help="… and nearest rows that are looked at.")] = None,
    rounds: Annotated[int | None, typer.Option(help="inlp: most classifiers.")] = None,
    most: Annotated[int | None, typer.Option(help="inlp: labeled rows that they learn from.")] = None,
    strength: Annotated[float | None, typer.Option(help="inlp: their inverse penalty.")] = None,
    seed: Annotated[int, typer.Option(help="Of all that is drawn.")] = 0,
    as_json: Json = False,
) -> None:
    """Take a concept, such as gender, out of a Space; and tell what is left of it, what it cost, what moved."""
    import kinfold as kf
    from kinfold.app.learn import _writable
    from kinfold.show import text
    from kinfold.show.glance import size

    if out is not None:
        _writable(out)
    own: dict[str, Any] = {
        "components": components,
        "cased": cased,
        "candidates": candidates,
        "regularization": regularization,
        "repulsion": repulsion,
        "attraction": attraction,
        "neutralization": neutralization,
        "threshold": threshold,
        "neighbors": neighbors,
        "rounds": rounds,
        "most": most,
        "strength": strength,
    }
    with watched(as_json) as progress:
        fair, report = kf.debias(
            kf.open(path),
            method,
            lists=lists,
            kinds=kinds or (),
            attribute=attribute,
            group=group,
            lower=lower,
            audit=audit,
            similarity=similarity,
            analogies=analogies,
            biased=biased,
            restrict=restrict,
            k=k,
            seed=seed,
            progress=progress,
            **{name: value for name, value in own.items() if value is not None},
        )
        if out is not None:
            fair.save(out)
    values = {"frame": fair.frame, "step": dict(fair.card.steps[-1]), "report": report.to_dict()}
    shown = text.render(_short(report))
    if out is not None:
        values["path"] = str(out)
        shown += f"\n{len(fair):,} rows × {fair.dim} in the frame {fair.frame}, {size(out.stat().st_size)} → {out}"
    say(values, shown, as_json)


def _short(report: Report) -> Report:
    """The report with what was before and after side by side, and the first lines of its tables."""
    from dataclasses import replace

    from kinfold.core.report import Table

    before = {each.name: each for each in report.findings if each.group == "before"}
    after = {each.name: each for each in report.findings if each.group == "after"}
    lines = [
        [name, each.value, _interval(each), after[name].value, _interval(after[name]), each.n]
        for name, each in before.items()
        if name in after
    ]
    told = Table("What is left", ("", "before", "95% interval", "after", "95% interval", "n"), lines)
    cost = [each for each in report.findings if each.group not in ("before", "after")]
    tables: list[Table] = [
        *([told] if lines else []),
        *(replace(each, rows=each.rows[:_SHOWN]) for each in report.tables),
    ]
    return replace(report, findings=cost, tables=tables)


def _interval(finding: Finding) -> str:
    from kinfold.core.report import number

    if finding.low is None or finding.high is None:
        return ""
    return f"{number(finding.low)} to {number(finding.high)}"
