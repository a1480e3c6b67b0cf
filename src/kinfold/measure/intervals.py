"""Intervals of measurements; they live in `core.intervals`, where tasks find them too."""

from kinfold.core.intervals import bootstrap, of_difference, of_mean

__all__ = ["bootstrap", "of_difference", "of_mean"]
