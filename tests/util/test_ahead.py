"""Tests of making items ahead."""

import threading
from collections.abc import Iterator

import pytest

from lib.util.ahead import ahead


def test_the_next_item_is_made_while_the_caller_has_one() -> None:
    has_started, may_go_on = threading.Event(), threading.Event()

    def numbers() -> Iterator[int]:
        yield 1
        has_started.set()
        assert may_go_on.wait(5)
        yield 2

    found = ahead(numbers())
    assert next(found) == 1
    assert has_started.wait(5)
    may_go_on.set()
    assert list(found) == [2]


def test_an_error_is_raised_at_its_place() -> None:
    found = ahead(1 // divisor for divisor in (1, 0))
    assert next(found) == 1
    with pytest.raises(ZeroDivisionError):
        next(found)
