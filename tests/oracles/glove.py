"""GloVe as slow, obvious Python: one entry at a time, in float64."""

import numpy as np


class Side:
    """Rows, biases, and the sums of squares of both."""

    def __init__(self, rows, biases):
        self.rows, self.biases = rows.astype(np.float64), biases.astype(np.float64)
        self.row_squares, self.bias_squares = np.ones_like(self.rows), np.ones_like(self.biases)


def learn(entries, left, right, rate, x_max, alpha):
    """`entries` are (row, column, count); both sides are updated. Returns the loss."""
    loss = 0.0
    for i, j, x in entries:
        w, c = left.rows[i].copy(), right.rows[j].copy()
        difference = w @ c + left.biases[i] + right.biases[j] - np.log(x)
        weighted = min(1.0, (x / x_max) ** alpha) * difference
        loss += weighted * difference / 2
        for side, key, other in ((left, i, c), (right, j, w)):
            step = rate * np.clip(weighted * other, -100, 100)
            side.rows[key] -= step / np.sqrt(side.row_squares[key])
            side.row_squares[key] += step**2
            side.biases[key] -= weighted / np.sqrt(side.bias_squares[key])
            side.bias_squares[key] += weighted**2
    return loss
