"""The cheapest way to move heaps into pits: the simplex method on the tree of what flows.

Rows 0..n are heaps and columns n..n + m pits, all of them nodes of one tree; a node's flow is that between it and its
parent, and the two potentials of an arc of the tree add up to its cost. An arc that costs less than its potentials
closes a ring, around which as much is moved as its scarcest arc allows; that one leaves.

Masses are whole numbers, scaled by 2 n + 1, with 1 more in each heap and n more in the last pit. So no part of the
heaps fills a part of the pits exactly, no flow of the tree is ever 0, each ring makes the whole cheaper, and the method
ends. What was added to a flow is more than -n and at most n, and is rounded off at the end.
"""

from __future__ import annotations

import numpy as np

from kinfold.kernels._jit import inline, jit, plain

# A ring must save more than rounding does, of the largest cost.
_LEAST = 1e-12


@jit
def _begin(costs, heaps, pits, parent, flow, potential):
    """Each heap goes to the cheapest pits that are left: a first tree. What is used up hangs on what is not."""
    n, m = costs.shape
    order = np.empty(n + m, np.int64)
    known = 0
    for row in range(n):
        while heaps[row] > 0:
            best = -1
            for column in range(m):
                if pits[column] > 0 and (best < 0 or costs[row, column] < costs[row, best]):
                    best = column
            amount = min(heaps[row], pits[best])
            heaps[row] -= amount
            pits[best] -= amount
            node, other = (n + best, row) if pits[best] == 0 else (row, n + best)
            parent[node], flow[node] = other, amount
            order[known] = node
            known += 1
    root = n - 1
    parent[root], potential[root] = -1, 0.0
    for place in range(known - 1, -1, -1):
        node = order[place]
        other = parent[node]
        potential[node] = costs[min(node, other), max(node, other) - n] - potential[other]


@inline
def _turn(first, second, saved, n, parent, flow, potential, stamp, number):
    """Takes the arc between a heap and a pit into the tree, and the scarcest of the ring that it closes out of it."""
    node = first
    while node >= 0:
        stamp[node] = number
        node = parent[node]
    top = second
    while stamp[top] != number:
        top = parent[top]
    # On the heap's side of the ring, heaps send less to their parents and pits get more; on the pit's side the reverse.
    out, below, least = first, 0, np.int64(-1)
    for side in range(2):
        node = second if side else first
        while node != top:
            if (node < n) != bool(side) and (least < 0 or flow[node] < least):
                out, below, least = node, side, flow[node]
            node = parent[node]
    for side in range(2):
        node = second if side else first
        while node != top:
            flow[node] += -least if (node < n) != bool(side) else least
            node = parent[node]
    # What hung on the arc that leaves hangs on the new one.
    root, above = (second, first) if below else (first, second)
    node, carried = root, least
    while True:
        next_above, next_carried = parent[node], flow[node]
        parent[node], flow[node] = above, carried
        if node == out:
            break
        above, node, carried = node, next_above, next_carried
    # The potentials of all that hangs there follow.
    inside, outside = number + 1, number + 2
    stamp[root] = inside
    for start in range(len(parent)):
        node = start
        while stamp[node] < inside and parent[node] >= 0:
            node = parent[node]
        found = inside if stamp[node] == inside else outside
        node = start
        while node >= 0 and stamp[node] < inside:
            stamp[node] = found
            node = parent[node]
    change = -saved if root < n else saved
    for node in range(len(parent)):
        if stamp[node] == inside:
            potential[node] += change if node < n else -change


@jit
def _improve(costs, tolerance, parent, flow, potential, stamp):
    """Row after row takes the arc that saves most, until none saves anything."""
    n, m = costs.shape
    row = quiet = 0
    number = np.int64(1)
    while quiet < n:
        best, saved = 0, tolerance
        for column in range(m):
            saves = potential[row] + potential[n + column] - costs[row, column]
            if saves > saved:
                best, saved = column, saves
        quiet += 1
        if saved > tolerance:
            _turn(row, n + best, saved, n, parent, flow, potential, stamp, number)
            number += 3
            quiet = 0
        row = row + 1 if row + 1 < n else 0


def transport(costs: np.ndarray, heaps: np.ndarray, pits: np.ndarray) -> np.ndarray:
    """What goes where (n, m) int64, so that the sum of flow · cost is the least.

    Args:
        costs: (n, m) float64, finite.
        heaps: (n,) int64, above 0.
        pits: (m,) int64, above 0; as much in all as there is in the heaps.

    Source:
        Dantzig 1951 (the simplex method for transportation); Charnes 1952 (adding a little to each heap).
    """
    n, m = costs.shape
    moved = np.zeros((n, m), np.int64)
    if not moved.size:
        return moved
    heaps, pits = (2 * n + 1) * heaps + 1, (2 * n + 1) * pits
    pits[-1] += n
    parent, flow, stamp = np.zeros(n + m, np.int64), np.zeros(n + m, np.int64), np.zeros(n + m, np.int64)
    potential = np.zeros(n + m)
    costs = plain(np.ascontiguousarray(costs, np.float64))
    _begin(costs, heaps, pits, parent, flow, potential)
    _improve(costs, _LEAST * np.abs(costs).max(), parent, flow, potential, stamp)
    nodes = np.flatnonzero(parent >= 0)
    ends = np.sort([nodes, parent[nodes]], axis=0)
    moved[ends[0], ends[1] - n] = (flow[nodes] + n) // (2 * n + 1)
    return moved
