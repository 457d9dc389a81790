"""Customer lifetime value by published models: fits, expected orders and value, and warnings."""

from lib.analysis.clv import bg_nbd, gamma_gamma, pareto_nbd
from lib.analysis.clv.fitting import Fit
from lib.analysis.clv.model import VERSION, Model, Terms, dropout_is_lost, fit_models, scale_factor, score

__all__ = [
    "VERSION",
    "Fit",
    "Model",
    "Terms",
    "bg_nbd",
    "dropout_is_lost",
    "fit_models",
    "gamma_gamma",
    "pareto_nbd",
    "scale_factor",
    "score",
]
