"""Registry products on hosts that are not ours."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from scanner.sources.registry import auth
from tests.support.products import Handler, Internet, internet

Hosts = Callable[[dict[str, Handler]], Internet]


@pytest.fixture
def hosts(monkeypatch: pytest.MonkeyPatch) -> Iterator[Hosts]:
    """Opens an internet of the given hosts for one test, where nobody remembers what a host of that name demanded."""
    monkeypatch.setattr(auth, "_demanded_basic", set())
    with ExitStack() as stack:
        yield lambda handlers: stack.enter_context(internet(monkeypatch, handlers))
