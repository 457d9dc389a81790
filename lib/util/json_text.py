"""JSON that any reader accepts: NaN becomes null, numbers of numpy become plain ones."""

import json

__all__ = ["plain_json"]


def plain_json(facts: object) -> str:
    """The facts as JSON that everything reads: NaN becomes null, numbers of numpy plain ones, all else its text."""
    plain = json.loads(json.dumps(facts, default=_plain), parse_constant=lambda _: None)
    return json.dumps(plain, indent=1, sort_keys=True) + "\n"


def _plain(value: object) -> object:
    return value.item() if hasattr(value, "item") else str(value)
