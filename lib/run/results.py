"""What a step tells the run page: rows, checks, figures, as one small JSON file per step in the run's folder."""

from lib.settings import run_folder
from lib.util.atomic import replacing
from lib.util.json_text import plain_json

__all__ = ["record"]


def record(step: str, **facts: object) -> None:
    """Write the facts of a step to results/<step>.json of the present run; raises OutputError when it cannot.

    Numbers of numpy become plain ones, NaN becomes null, anything else its text.
    """
    with replacing(run_folder() / "results" / f"{step}.json") as temporary:
        temporary.write_text(plain_json(facts), encoding="utf-8")
