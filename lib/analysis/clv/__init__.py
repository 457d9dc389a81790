"""Customer lifetime value by published models: fits, expected orders and value, warnings, validation on the past."""

from lib.analysis.clv.intervals import MEASURES, draw_noise, interval
from lib.analysis.clv.models import BgNbd, GammaGamma, ParetoNbd
from lib.analysis.clv.validation import Proof, Validation, proof_windows, prove, validate, windows
from lib.analysis.clv.value import VERSION, Model, Terms, dropout_is_lost, fit_models, score

__all__ = [
    "MEASURES",
    "VERSION",
    "BgNbd",
    "GammaGamma",
    "Model",
    "ParetoNbd",
    "Proof",
    "Terms",
    "Validation",
    "draw_noise",
    "dropout_is_lost",
    "fit_models",
    "interval",
    "proof_windows",
    "prove",
    "score",
    "validate",
    "windows",
]  # fmt: skip
