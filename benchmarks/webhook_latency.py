"""Webhooks one by one and in a flood, answered by the whole product as `manage.py up` starts it.

    python -m benchmarks.webhook_latency 20000 10000
    python -m benchmarks.webhook_latency 20000 10000 --chaos     with FLUSHALL and kill -9 of everything in the middle

Budget: the answer within 20 ms (p95) while idle and 300 ms (p99) in the flood; none lost; a digest is scanned at most
twice. Each request is timed from the moment it is due, on a connection of its own. Beside it, in the same run: as many
requests for ``/healthz``, which asks nothing of the database.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.fleet import fleet
from benchmarks.support.database import prepared_database
from tests.support.real_registry import RealRegistry, running_registry

if TYPE_CHECKING:
    from benchmarks.support.trickle import Trickle
    from tests.support.flood import Answer
    from tests.support.running import Running

_IDLE_MS, _FLOOD_MS = 20.0, 300.0
_IDLE_REQUESTS, _IDLE_PAUSE = 300, 0.05
_PEERS = 2_000
_FLEET = {"repositories": 20, "tags": 25, "megabytes": 1}
_PATIENCE = 120.0
_SECONDS_TO_END = 300.0


def main() -> int:
    """Fill, ask, flood, wait, print; the exit status says whether every promise was kept."""
    options = _options()
    with prepared_database(), _fleet() as (registry, digests):
        from tests.support.running import running

        with tempfile.TemporaryDirectory() as folder, running(Path(folder)) as product:
            product.wait_for_worker()
            trial = Trial(product, registry, digests, options)
            kept = trial.idle()
            kept &= trial.flood()
            kept &= trial.end()
    print("every promise was kept" if kept else "A PROMISE WAS BROKEN")
    return 0 if kept else 1


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("events", type=int, nargs="?", default=20_000)
    parser.add_argument("per_minute", type=int, nargs="?", default=10_000)
    parser.add_argument("--chaos", action="store_true", help="kill everything in turn; the times are only told then")
    return parser.parse_args()


@contextmanager
def _fleet() -> Iterator[tuple[RealRegistry, Mapping[tuple[str, str], str]]]:
    with tempfile.TemporaryDirectory() as folder, running_registry(Path(folder)) as registry:
        yield registry, fleet(registry, **_FLEET)


class Trial:
    """One run of it, step by step; each step prints what it found and says whether its promises were kept."""

    def __init__(
        self,
        product: Running,
        registry: RealRegistry,
        digests: Mapping[tuple[str, str], str],
        options: argparse.Namespace,
    ) -> None:
        from benchmarks.support.hook import Hook

        self._product, self._registry, self._options = product, registry, options
        self._digests = dict(digests)
        self._hook = Hook.of(registry.url)
        self._answers: list[Answer] = []
        self._patience = _PATIENCE if options.chaos else 0.0
        self._trickle: Trickle | None = None

    def idle(self) -> bool:
        """Pushes that are news, one by one."""
        from tests.support.flood import send
        from tests.support.running import request

        print(f"Postgres: fsync {_fsync()}")
        raws = [self._hook.push(name, tag, digest) for (name, tag), digest in self._digests.items()]
        calm, ours, spent = [], [], self._product.web.cpu_seconds()
        for raw in raws[:_IDLE_REQUESTS]:
            calm.append(send(self._product.port, request("GET", "/healthz"), due=time.monotonic()))
            time.sleep(_IDLE_PAUSE)
            ours.append(send(self._product.port, raw, due=time.monotonic()))
            time.sleep(_IDLE_PAUSE)
        self._answers += ours
        found = _Times.of(ours)
        print(f"idle, {len(ours)} pushes one by one: {found}")
        print(_beside(found.p95, _Times.of(calm).p95, "p95"))
        spent = self._product.web.cpu_seconds() - spent
        print(f"  processor time of the web for one push and one /healthz: {spent / len(ours) * 1_000:.1f} ms")
        return self._judge(found.p95, _IDLE_MS, "p95 while idle") or self._options.chaos

    def flood(self) -> bool:
        """Each tag's push over and over, always as another event, and a few new images among them."""
        from benchmarks.support.trickle import Trickle
        from tests.support import flood as floods
        from tests.support.running import request

        events, rate, port = self._options.events, self._options.per_minute, self._product.port
        healthz = request("GET", "/healthz")
        calm = _Times.of(floods.flood(lambda _, due: floods.send(port, healthz, due=due), min(events, _PEERS), rate))
        tags = list(self._digests.items())

        def one(number: int, due: float) -> Answer:
            (name, tag), digest = tags[number % len(tags)]
            return floods.send(port, self._hook.push(name, tag, digest), due=due, patience=self._patience)

        with ExitStack() as stack:
            self._trickle = Trickle(self._registry, self._hook, port, self._patience)
            stack.enter_context(self._trickle.flowing())
            if self._options.chaos:
                striking = floods.striking(floods.blows(self._product, _flush), events * 60 / rate)
                stack.callback(striking.join)
            answers = floods.flood(one, events, rate)
        self._answers += answers
        found = _Times.of(answers)
        print(f"flood, {events} pushes at {rate} a minute: {found}")
        print(_beside(found.p99, calm.p99, "p99"))
        again = sum(answer.tries > 1 for answer in answers)
        print(f"sent more than once, because no 202 came: {again}")
        return self._judge(found.p99, _FLOOD_MS, "p99 in the flood") or self._options.chaos

    def end(self) -> bool:
        """Wait until nothing is left to do, then count."""
        from tests.support.promises import broken_promises, lost_events, most_scans_of_a_tag

        seconds = _wait_for_the_end()
        print(f"every push is final {seconds:.1f} s after the last answer")
        verdicts = self._tell_verdicts()
        unanswered = sum(answer.status != 202 for answer in self._answers)
        lost = lost_events(answer.event for answer in self._answers if answer.status == 202)
        accepted = len(self._answers) - unanswered
        print(f"answered 202: {accepted} of {len(self._answers)}; stored {_stored()}; lost {lost}")
        print(f"scans of a tag with one digest: at most {most_scans_of_a_tag()} (budget 2)")
        broken = broken_promises()
        same = self._is_like_the_registry()
        print(f"broken promises: {broken or 'none'}; tags like in the registry: {'yes' if same else 'NO'}")
        return verdicts and same and not (broken or lost or unanswered)

    def _tell_verdicts(self) -> bool:
        if self._trickle is None:
            raise AssertionError("the flood comes before its end")
        seconds = sorted(self._trickle.seconds())
        missing = self._trickle.missing()
        if seconds:
            p50, p95 = _at(seconds, 0.5), _at(seconds, 0.95)
            print(f"from push to verdict in the flood: {len(seconds)} images, p50 {p50:.2f} s, p95 {p95:.2f} s")
        print(f"images without a verdict: {missing}")
        return bool(seconds) and not missing

    def _is_like_the_registry(self) -> bool:
        from compliance.models import Tag

        pushed = self._digests | (self._trickle.digests() if self._trickle else {})
        rows = Tag.objects.listed().values_list("repository__name", "name", "digest")
        return {(name, tag): digest for name, tag, digest in rows} == pushed

    def _judge(self, measured: float, budget: float, name: str) -> bool:
        kept = measured <= budget
        print(f"{name}: {measured:.1f} ms (budget {budget:.0f} ms){'' if kept else ' OVER'}")
        return kept


@dataclass(frozen=True, slots=True)
class _Times:
    """Milliseconds."""

    p50: float
    p95: float
    p99: float
    most: float

    @classmethod
    def of(cls, answers: Sequence[Answer]) -> _Times:
        found = sorted(answer.seconds * 1_000 for answer in answers)
        return cls(_at(found, 0.5), _at(found, 0.95), _at(found, 0.99), found[-1])

    def __str__(self) -> str:
        return f"p50 {self.p50:.1f} ms, p95 {self.p95:.1f}, p99 {self.p99:.1f}, most {self.most:.0f}"


def _at(ordered: Sequence[float], share: float) -> float:
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


def _beside(ours: float, peer: float, name: str) -> str:
    return f"  /healthz {name} {peer:.1f} ms; ratio {ours / peer:.2f}"


def _flush() -> None:
    import redis
    from django.conf import settings

    redis.Redis.from_url(settings.REDIS_URL).flushall()


def _fsync() -> str:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("SHOW fsync")
        (value,) = cursor.fetchone() or ("?",)
    return str(value)


def _stored() -> int:
    from compliance.models import InboundEvent

    return InboundEvent.objects.count()


def _wait_for_the_end() -> float:
    from compliance.models import ACTIVE, Push, Scan

    began = time.monotonic()
    while time.monotonic() - began < _SECONDS_TO_END:
        if not (Push.objects.filter(state="waiting").exists() or Scan.objects.filter(state__in=ACTIVE).exists()):
            break
        time.sleep(0.2)
    return time.monotonic() - began


if __name__ == "__main__":
    sys.exit(main())
