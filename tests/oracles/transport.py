"""The least cost of a transport, as a linear program."""

import numpy as np
from scipy.optimize import linprog


def least_cost(costs, heaps, pits):
    """For masses of any kind, whose sums are equal."""
    rows, columns = costs.shape
    leaving = np.kron(np.eye(rows), np.ones(columns))
    arriving = np.kron(np.ones(rows), np.eye(columns))
    solved = linprog(
        np.ravel(costs), A_eq=np.vstack([leaving, arriving]), b_eq=np.concatenate([heaps, pits]), method="highs"
    )
    assert solved.status == 0, solved.message
    return solved.fun
