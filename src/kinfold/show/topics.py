"""The page of topics: what they are called, their words and texts, and the map colored by them, in one HTML file."""

from __future__ import annotations

import os
from functools import partial
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc

from kinfold.core.progress import Progress, quiet
from kinfold.core.report import Report
from kinfold.core.space import Space
from kinfold.search.bm25 import texts_of
from kinfold.show import html, svg, text
from kinfold.show import map as maps
from kinfold.show.report import FOOTER, _chart, _section, _table

if TYPE_CHECKING:
    from kinfold.tasks.topics import Topics

_LABEL, _EXAMPLE, _READ = 40, 240, 500
_CALLED = "begins"


def write(
    found: Topics,
    path: str | os.PathLike[str],
    *,
    method: str = "umap",
    limit: int = 20_000,
    seed: int = 0,
    title: str | None = None,
    progress: Progress = quiet,
) -> None:
    """Writes the page of topics as one HTML file that opens from disk.

    Args:
        found: What `tasks.topics` found.
        path: Where to.
        method: Layout of the map, umap or pca.
        limit: Most points of the map.
        seed: Of the map's layout.
        title: Heading; by default it tells how many topics of how many texts there are.
        progress: Told of the stages.

    Raises:
        BadFile: The folder cannot be written.
    """
    part = found.space.group(found.group)
    heading = title or f"{len(found.topics):,} topics of {len(part):,} texts"
    figure = maps.figure(
        _called(part, found.text),
        method=method,
        color=_attribute(found),
        label=_CALLED,
        limit=limit,
        seed=seed,
        inside=True,
        progress=progress,
    )
    body = [
        _head(found, heading),
        _section("Map", figure, "Every point is a text, colored by its topic; click one to read it.", wide=True),
        _section("Topics", _topics(found, part), "Words that tell one from the others, and the texts at its center."),
        _section("How good they are", _measured(found.report)),
        FOOTER,
    ]
    page = html.page(
        heading,
        f"<main>{''.join(body)}</main>",
        styles=("base.css", "report.css", "map.css"),
        scripts=maps.SCRIPTS,
    )
    html.save(page, path)


def _attribute(found: Topics) -> str:
    steps = [step for step in found.space.card.steps if step["step"] == "clusters"]
    return str(steps[-1]["name"])


def _called(part: Space, name: str) -> Space:
    """The texts with how they begin, which is what points are called by."""
    texts = pc.utf8_trim_whitespace(pc.replace_substring_regex(texts_of(part, name), r"\s+", " "))
    more = pc.if_else(pc.greater(pc.utf8_length(texts), _LABEL), "…", "").cast(pa.large_string())
    begins = pc.utf8_slice_codeunits(texts, 0, _LABEL)
    named = pc.binary_join_element_wise(begins, more, pa.scalar("", pa.large_string()))
    # A page of whole books would be one of megabytes.
    return part.with_attribute(_CALLED, named).with_attribute(name, pc.utf8_slice_codeunits(texts, 0, _READ))


def _head(found: Topics, heading: str) -> str:
    tiles = [(each.name, text.cell(each.value)) for each in found.report.findings]
    inner = "".join(f"<div><dt>{html.escape(name)}</dt><dd>{html.escape(value)}</dd></div>" for name, value in tiles)
    card = found.space.card
    by = f'<p class="lead">{html.escape(card.method)} <span>frame {html.escape(card.frame)}</span></p>'
    return f'<header><h1>{html.escape(heading)}</h1>{by}<dl class="tiles">{inner}</dl></header>'


def _topics(found: Topics, part: Space) -> str:
    texts = part.attribute(found.text)
    parts = []
    for each in found.topics:
        words = " ".join(
            f"<span>{html.escape(word)} <small>{100 * score:.2f}</small></span>"
            for word, score in zip(each.words, each.scores, strict=True)
        )
        told = f"{each.texts:,} texts, {each.texts / max(1, len(part)):.1%}; coherence {text.cell(each.coherence)}"
        told += f", silhouette {text.cell(each.silhouette)}"
        rows = [part.keys.row(key, found.group) for key in each.examples]
        lines = "".join(
            f"<tr><th scope=row>{html.escape(key)}</th><td>{html.escape(_cut(texts[row].as_py() or ''))}</td></tr>"
            for key, row in zip(each.examples, rows, strict=True)
        )
        parts.append(
            f"<h3>{each.number} · {html.escape(each.name)}</h3><p class=note>{html.escape(told)}</p>"
            f'<div class="scroll"><table class="near"><tbody><tr><th scope=row>words</th><td>{words}</td></tr>'
            f"{lines}</tbody></table></div>"
        )
    return "".join(parts)


def _measured(report: Report) -> str:
    header, rows = text.columns_of(report.findings)
    parts = [_table(header, rows, [False, *[True] * (len(header) - 1)])]
    for table in report.tables:
        if table.title == "Topics tried" and len(table.rows) > 1:
            ks, values = ([row[at] for row in table.rows] for at in (0, 1))
            parts.append(
                _chart(partial(svg.curve, ks, values, title="Silhouette by topics", x="topics", y="silhouette"))
            )
    return "".join(parts) + "".join(f'<p class="note">{html.escape(note)}</p>' for note in report.notes)


def _cut(value: str) -> str:
    value = " ".join(value.split())
    return value if len(value) <= _EXAMPLE else value[: _EXAMPLE - 1] + "…"
