"""What a step tells the run page: rows, checks, figures, as one small JSON file per step in the run's folder."""

import json

from lib.atomic import replacing
from lib.settings import run_folder

__all__ = ["plain_json", "record"]


def record(step: str, **facts: object) -> None:
    """Write the facts of a step to results/<step>.json of the present run; raises OutputError when it cannot.

    Numbers of numpy become plain ones, NaN becomes null, anything else its text.
    """
    with replacing(run_folder() / "results" / f"{step}.json") as temporary:
        temporary.write_text(plain_json(facts), encoding="utf-8")


def plain_json(facts: object) -> str:
    """The facts as JSON that everything reads: NaN becomes null, numbers of numpy plain ones, all else its text."""
    plain = json.loads(json.dumps(facts, default=_plain), parse_constant=lambda _: None)
    return json.dumps(plain, indent=1, sort_keys=True) + "\n"


def _plain(value: object) -> object:
    return value.item() if hasattr(value, "item") else str(value)
