"""What a step tells the run page: rows, checks, figures, as one small JSON file per step in the run's folder."""

import json

from lib.atomic import replacing
from lib.settings import run_folder

__all__ = ["record"]


def record(step: str, **facts: object) -> None:
    """Write the facts of a step to results/<step>.json of the present run; raises OutputError when it cannot.

    Numbers of numpy become plain ones, NaN becomes null, anything else its text.
    """
    plain = json.loads(json.dumps(facts, default=_plain), parse_constant=lambda _: None)
    with replacing(run_folder() / "results" / f"{step}.json") as temporary:
        temporary.write_text(json.dumps(plain, indent=1, sort_keys=True) + "\n", encoding="utf-8")


def _plain(value: object) -> object:
    return value.item() if hasattr(value, "item") else str(value)
