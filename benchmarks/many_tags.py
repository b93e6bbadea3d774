"""One repository with very many tags beside small ones, and alone: `python -m benchmarks.many_tags [TAGS]`.

How much longer the small ones take beside it, how much more memory a worker needs than for 500 tags, and how many
requests a tag costs. Budget: the small ones take at most 3 times as long or 30 s more, the worker at most 64 MiB more,
a second scan one request a tag beside the listing. Beside it: ``skopeo inspect --config``.

The tags are written as files into the store of Debian's registry, because pushing 50,000 would take longer than all.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.fleet import fleet
from benchmarks.support.database import prepared_database
from benchmarks.support.skopeo import seconds_per_tag, told
from tests.support.real_registry import RealRegistry, running_registry

if TYPE_CHECKING:
    from compliance.models import Scan

BIG = "monorepo/service"
_FEW = 500
_DIGESTS = 10
_SMALL = {"repositories": 5, "tags": 10, "megabytes": 4}
_TIMES, _SECONDS_MORE = 3.0, 30.0
_MORE_MIB = 64.0
_LISTINGS = 200
"""Requests of a scan that are not about a tag: listing, and what the connection costs."""

_HOURS = 2.0


def main(tags: int = 50_000) -> int:
    """Scan small ones alone, 500 tags, then all together; print; the exit status says whether the budget was kept."""
    with prepared_database(), tempfile.TemporaryDirectory() as folder:
        here = Path(folder)
        alone = _scanned(here / "alone", tags=0, seed=1)
        few = _scanned(here / "few", tags=_FEW, seed=2)
        many = _scanned(here / "many", tags=tags, seed=3, again=True)
    print(f"small repositories alone: {alone.small:.1f} s; beside {tags} tags: {many.small:.1f} s", end="")
    print(f" of the {many.seconds:.1f} s of all; ratio {many.small / alone.small:.2f}")
    print(f"another registry, asked for in the middle: {many.other:.1f} s")
    print(f"worker at most {few.mib:.0f} MiB for {_FEW} tags, {many.mib:.0f} MiB for {tags}", end="")
    print(f"; ratio {many.mib / few.mib:.2f}")
    print(f"requests a tag: {many.requests / many.tags:.3f} first, {many.again / many.tags:.3f} again")
    print(told(many.seconds / many.tags, many.skopeo))
    promises = {
        "small ones do not wait": many.small <= max(alone.small * _TIMES, alone.small + _SECONDS_MORE),
        "another registry does not wait": many.other <= max(alone.seconds * _TIMES, alone.seconds + _SECONDS_MORE),
        "memory does not grow": many.mib <= few.mib + _MORE_MIB,
        "one request a tag": many.again <= many.tags + _LISTINGS,
        "faster than skopeo": many.seconds / many.tags <= many.skopeo,
    }
    for name in (name for name, kept in promises.items() if not kept):
        print(f"OVER: {name}")
    return 0 if all(promises.values()) else 1


@dataclass(slots=True)
class Found:
    """Of one registry: seconds until the small repositories and until all were scanned, memory, requests."""

    small: float
    seconds: float
    tags: int
    requests: int
    mib: float
    other: float = 0.0
    again: int = 0
    skopeo: float = 0.0


def _scanned(folder: Path, *, tags: int, seed: int, again: bool = False) -> Found:
    """Scan a registry of its own with a worker of its own.

    :param again: a second time as well, with another small registry asked for in the middle of the first.
    """
    from compliance.models import Scan
    from tests.support.running import running

    folder.mkdir()
    with _registry(folder / "registry", tags, seed) as registry, running(folder) as product:
        product.wait_for_worker()
        name = f"with {tags} tags"
        with _registry(folder / "other", 0, seed + 100) as other:
            began = _ask(name, registry)
            later = _ask_in_the_middle(f"other {tags}", other, began) if again else None
            _wait(began)
            found = _found(Scan.objects.get(pk=began), product.worker.peak_mib())
            if later is not None:
                found.other = _seconds(Scan.objects.get(pk=later))
        if again:
            second = _request(name)
            _wait(second)
            found.again = Scan.objects.get(pk=second).requests
            found.skopeo = seconds_per_tag(registry.host, [(BIG, f"1.{number}") for number in range(tags)])
            found.mib = max(found.mib, product.worker.peak_mib())
    return found


@contextmanager
def _registry(folder: Path, tags: int, seed: int) -> Iterator[RealRegistry]:
    folder.mkdir()
    with running_registry(folder) as registry:
        fleet(registry, **_SMALL, seed=seed)
        if tags:
            _write_tags(registry, tags, seed)
        yield registry


def _write_tags(registry: RealRegistry, tags: int, seed: int) -> None:
    """Push a few images, then let the other tags point to them, as the registry's own files do."""
    from tests.support.images import File, image, layer

    own = [layer({"srv/app": File(f"{seed} {number}".encode())}) for number in range(_DIGESTS)]
    passwd = layer({"etc/passwd": File(b"app:x:1001:1001::/:/bin/sh\n")})
    digests = [registry.push(BIG, f"1.{at}", image([passwd, each], user="1001")) for at, each in enumerate(own)]
    home = registry.folder / "data/docker/registry/v2/repositories" / BIG / "_manifests/tags"
    for number in range(_DIGESTS, tags):
        digest = digests[number % _DIGESTS]
        kind, _, value = digest.partition(":")
        for place in (home / f"1.{number}/current", home / f"1.{number}/index" / kind / value):
            place.mkdir(parents=True)
            (place / "link").write_text(digest)


def _ask(name: str, registry: RealRegistry) -> int:
    from django.core.management import call_command

    call_command("add_registry", name, registry.url, interval=0)
    return _request(name)


def _request(name: str) -> int:
    from django.utils import timezone

    from compliance.models import Registry, Scan
    from compliance.services.request_scan import request_scan
    from compliance.tasks.wake import wake

    pk = request_scan(Registry.objects.get(name=name), trigger=Scan.Trigger.PAGE, now=timezone.now())
    wake(pk)
    return pk


def _ask_in_the_middle(name: str, other: RealRegistry, began: int) -> int:
    """When the big repository has stored its first tags."""
    from compliance.models import RepositoryScan

    parts = RepositoryScan.objects.filter(scan=began, repository__name=BIG)
    _until(lambda: parts.filter(tags_done__gt=0).exists())
    return _ask(name, other)


def _wait(*scans: int) -> None:
    from compliance.models import ACTIVE, Scan

    _until(lambda: not Scan.objects.filter(state__in=ACTIVE).exists())
    for scan in Scan.objects.filter(pk__in=scans):
        if scan.state != "done" or scan.repositories_failed:
            raise RuntimeError(f"the scan of {scan.registry} ended {scan.state}: {scan.problem_message}")


def _until(happened: Callable[[], object]) -> None:
    deadline = time.monotonic() + _HOURS * 3600
    while not happened():
        if time.monotonic() > deadline:
            raise RuntimeError("the scan does not end")
        time.sleep(0.2)


def _found(scan: Scan, mib: float) -> Found:
    parts = scan.repository_scans.exclude(repository__name=BIG).values_list("finished_at", flat=True)
    small = max((at - scan.requested_at).total_seconds() for at in parts if at is not None)
    return Found(small, _seconds(scan), scan.tags_done, scan.requests, mib)


def _seconds(scan: Scan) -> float:
    if scan.finished_at is None:
        raise RuntimeError("the scan has not ended")
    return (scan.finished_at - scan.requested_at).total_seconds()


if __name__ == "__main__":
    sys.exit(main(*map(int, sys.argv[1:])))
