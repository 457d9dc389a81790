"""A stateful stand-in for a Metabase server, over HTTP, that runs the SQL on the real PostgreSQL of the tests.

It does what the public source and documents of Metabase say: it drops keys that a route does not declare, and keeps a
record of them; synchronizes late; answers 202 for failed queries; reads back MBQL 5; throttles logins; takes negative
ids for new parts of a dashboard. Its `faults` make it fail in the ways that a real one does.
"""

from tests.fake_metabase.server import FakeMetabase, serving
from tests.fake_metabase.state import ADMIN, API_KEY, PASSWORD

__all__ = ["ADMIN", "API_KEY", "PASSWORD", "FakeMetabase", "serving"]
