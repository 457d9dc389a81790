"""Fits a model of statsmodels: one thread, and a search that does not converge is no fit."""

import warnings

import numpy as np
import pandas as pd
from threadpoolctl import threadpool_limits

from lib.forecast.simple import seasonal_naive
from lib.forecast.simulation import Past, Simulation

__all__ = ["fallback", "fit"]


def fit(model: object, **options: object) -> object | None:
    """The fitted model, None where the search for its parameters fails."""
    from statsmodels.tools.sm_exceptions import ConvergenceWarning

    # The matrices are tiny: more than one thread makes a fit ten times slower.
    with warnings.catch_warnings(), threadpool_limits(1, "blas"):
        warnings.simplefilter("error", ConvergenceWarning)
        # Only the start of the search is meant; where it ends is checked by convergence.
        warnings.filterwarnings("ignore", "Non-(stationary|invertible) starting", UserWarning)
        try:
            return model.fit(disp=False, **options)
        except (ConvergenceWarning, np.linalg.LinAlgError):
            return None


def fallback(model: str, past: Past, ahead: pd.DatetimeIndex, rng: np.random.Generator) -> Simulation:
    """Seasonal naive's figures, with a note that says so."""
    simple = seasonal_naive(past, ahead, rng)
    return Simulation(
        simple.point, simple.paths, f" The fit of {model} failed; these are the figures of seasonal naive."
    )
