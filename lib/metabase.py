"""Publishes the questions to Metabase; for now it says why it does not."""

from lib import settings

__all__ = ["state"]


def state() -> str:
    """What became of publishing, in one sentence."""
    if not settings.get("METABASE_URL"):
        return "Skipped: METABASE_URL is not set, so there is no Metabase to publish to."
    return "Skipped: METABASE_URL is set, but this version of the workbook does not publish to Metabase yet."
