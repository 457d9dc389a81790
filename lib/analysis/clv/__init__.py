"""Customer lifetime value by published models: fits, expected orders and value, warnings, validation on the past."""

from lib.analysis.clv.models import BgNbd, GammaGamma, ParetoNbd
from lib.analysis.clv.validation import Validation, split, validate
from lib.analysis.clv.value import VERSION, Model, Terms, dropout_is_lost, fit_models, score

__all__ = [
    "VERSION", "BgNbd", "GammaGamma", "Model", "ParetoNbd", "Terms", "Validation",
    "dropout_is_lost", "fit_models", "score", "split", "validate",
]  # fmt: skip
