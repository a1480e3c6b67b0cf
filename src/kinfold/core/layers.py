"""The weights of a network as rows of a Space, so that its file alone can encode: the group `layer`."""

from __future__ import annotations

from collections.abc import Mapping

# The group; its keys are `<matrix>.<row>`.
LAYERS = "layer"


def layout(dim: int, blocks: int, length: int, wide: int) -> dict[str, int]:
    """The matrices of a network of causal attention and their rows, each of `dim` numbers, in the order of the group.

    With x (places, dim) the rows of items times sqrt(dim), a block makes of it `x + attention(norm(x)) output` and then
    `x + relu(norm(x) widenᵀ) narrow`, and the last is a norm again. A place attends to those before it and to itself by
    `query · (key + distance)`, where row d of `distance` is for what is d places back: so a state depends on what came
    before alone, wherever it stands.

    Args:
        dim: Coordinates of a row.
        blocks: How often.
        length: Places that are looked back on, with the own one.
        wide: Width between widen and narrow, in multiples of dim.

    Returns:
        Names and rows. Matrices stand as they multiply rows from the right, but for `widen`.
    """
    found: dict[str, int] = {}
    for block in range(blocks):
        inside = {"before.scale": 1, "before.shift": 1, "query": dim, "key": dim, "distance": length}
        inside |= {"value": dim, "output": dim}
        inside |= {"between.scale": 1, "between.shift": 1, "widen": wide * dim, "narrow": wide * dim}
        found |= {f"block{block}.{name}": rows for name, rows in inside.items()}
    return found | {"last.scale": 1, "last.shift": 1}


def names(rows: Mapping[str, int]) -> list[str]:
    """The keys of a layout."""
    return [f"{name}.{row}" for name, count in rows.items() for row in range(count)]
