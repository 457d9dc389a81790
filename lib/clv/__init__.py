"""What customers will do, by the published models of buying: fits, expectations, value, doubts and the proof."""

from lib.clv import bg_nbd, gamma_gamma, pareto_nbd
from lib.clv.diagnostics import Finding, dropout_is_lost, spend_correlation
from lib.clv.fitting import Fit
from lib.clv.holdout import by_frequency, capture, compare
from lib.clv.model import VERSION, Model, fit_models
from lib.clv.value import Terms, discounted_orders, scale_factor, score

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
