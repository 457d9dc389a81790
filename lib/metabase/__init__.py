"""Publishes the questions and the dashboard to Metabase: plan tells what differs, apply makes it so."""

from lib.metabase.publishing import Outcome, apply, plan, publish

__all__ = ["Outcome", "apply", "plan", "publish"]
