"""Why does this registry not work? A ladder of small questions; the first rung that breaks is the answer.

Each step is made when it is asked for, so a page can show one while the next is under way.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from typing import Final

from scanner.domain.limits import DEFAULT_LIMITS, Limits
from scanner.sources.registry.access import Access
from scanner.sources.registry.client import Lists
from scanner.sources.registry.reaching import Reaching
from scanner.sources.registry.steps import Found, Step, StepState, measured
from scanner.sources.registry.trial import Trial

# A person waits for the answer: what takes longer than this is worth knowing more than what comes after it.
_LONGEST_SECONDS: Final = 90.0
_LONGEST_BODY_SECONDS: Final = 20.0

__all__ = ["Step", "StepState", "diagnose"]


def diagnose(
    url: str, access: Access, *, limits: Limits = DEFAULT_LIMITS, lists: Lists | None = None
) -> Iterator[Step]:
    """Climb the ladder; every step is yielded, those after a failure as skipped.

    :param url: as a person typed it; plain http only where it says ``http://``.
    :param lists: how the registry's product names its repositories; ``None``: by its own catalog.
    """
    hasty = replace(access, sleep=lambda _: None)
    impatient = replace(limits, retries=0, body_seconds=min(limits.body_seconds, _LONGEST_BODY_SECONDS))
    with ExitStack() as stack:
        reaching = Reaching(url, hasty, impatient)
        yield from _climb(reaching, Trial(reaching, stack, lists))


def _climb(reaching: Reaching, trial: Trial) -> Iterator[Step]:
    ends = time.monotonic() + _LONGEST_SECONDS
    broken = False

    def heard() -> str:
        said, reaching.said = reaching.said, []
        return "; ".join([*said, *trial.heard()])

    for name, rung in _rungs(reaching, trial):
        if broken or time.monotonic() > ends:
            detail = "" if broken else f"not tried: what came before took more than {_LONGEST_SECONDS:.0f} seconds"
            yield Step(name, StepState.SKIPPED, detail=detail)
            continue
        step = measured(name, rung, reaching.access.secrets(), heard)
        broken = step.state is StepState.FAILED
        yield step


def _rungs(reaching: Reaching, trial: Trial) -> Iterator[tuple[str, Callable[[], Found]]]:
    yield "address", reaching.address
    yield "name", reaching.name
    yield "allowed", reaching.allowed
    if reaching.access.proxy:
        yield "proxy", reaching.proxy
    yield "connection", reaching.connection
    yield "tls", reaching.tls
    yield "api", trial.api
    yield "demand", trial.demand
    yield "login", trial.login
    yield "catalog", trial.catalog
    yield "scope", trial.scope
    yield "manifest", trial.manifest
    yield "blob", trial.blob
    yield "rate limit", trial.rate_limit
