"""Customer lifetime value by published models: fits, expected orders and value, warnings, and holdout validation."""

from lib.analysis.clv import bg_nbd, gamma_gamma, pareto_nbd
from lib.analysis.clv.fitting import Fit
from lib.analysis.clv.holdout import by_frequency, capture, compare
from lib.analysis.clv.model import (
    VERSION,
    Finding,
    Model,
    Terms,
    discounted_orders,
    dropout_is_lost,
    fit_models,
    scale_factor,
    score,
    spend_correlation,
)

__all__ = [
    "VERSION",
    "Finding",
    "Fit",
    "Model",
    "Terms",
    "bg_nbd",
    "by_frequency",
    "capture",
    "compare",
    "discounted_orders",
    "dropout_is_lost",
    "fit_models",
    "gamma_gamma",
    "pareto_nbd",
    "scale_factor",
    "score",
    "spend_correlation",
]
