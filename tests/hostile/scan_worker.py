"""The process that scans hostile images: one for all of them, so that one that ends it is noticed.

Reads a JSON line per image, ``{"url", "tag", "limits"}``, and answers with what came of it and what it cost. With
``"login"`` it does as the scans of registries do: it lists the tags, asks what this one leads to, and waits between
repetitions.
"""

from __future__ import annotations

import json
import os
import sys
import time
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from scanner.command_line import judged
from scanner.domain.limits import DEFAULT_LIMITS, Limits
from scanner.domain.problems import ScanProblem
from scanner.domain.reference import Digest, RepositoryName, TagName
from scanner.inspection import inspect
from scanner.policies import DEFAULT_POLICY, policy_named
from scanner.sandbox import nursery
from scanner.sources.registry.client import RegistrySource
from scanner.sources.registry.credentials import Credential
from tests.support.sources import LOCAL, local_source, open_registry

REPOSITORY = RepositoryName("hostile/image")
_STATUS = Path("/proc/self/status")
_FORGET_PEAK = "5"


def main() -> None:
    policy = policy_named(DEFAULT_POLICY)
    for line in sys.stdin:
        order = json.loads(line)
        Path("/proc/self/clear_refs").write_text(_FORGET_PEAK)
        nursery.default.peak_memory_bytes = 0
        began, busy, at_first = time.monotonic(), _busy(), _bytes("VmRSS:")
        outcome, message = _outcome(order, policy)
        nursery.default.dismiss()
        said = {
            "outcome": outcome,
            "message": message[:500],
            "seconds": time.monotonic() - began,
            "cpu_seconds": _busy() - busy,
            "child_bytes": nursery.default.peak_memory_bytes,
            "worker_bytes": _bytes("VmHWM:"),
            "grown_bytes": _bytes("VmHWM:") - at_first,
            "descriptors": len(os.listdir("/proc/self/fd")),
        }
        sys.stdout.write(json.dumps(said) + "\n")
        sys.stdout.flush()


def _outcome(order: dict[str, Any], policy: Any) -> tuple[str, str]:
    limits = Limits(**{**asdict(DEFAULT_LIMITS), **order["limits"]})
    try:
        with _source(order, limits) as source:
            wanted: TagName | Digest = TagName(order["tag"])
            if "login" in order:
                list(source.tags(REPOSITORY))
                wanted = source.resolve(REPOSITORY, TagName(order["tag"])).digest
            found = inspect(source, REPOSITORY, wanted, platform=None, limits=limits)
    except ScanProblem as problem:
        return problem.code, problem.message
    problems = [image.problem for image in found.images if image.problem]
    if problems:
        return problems[0].code, problems[0].message
    judgements = [judged(image, policy) for image in found.images]
    violated = sorted({result.rule for one in judgements for result in one.results if result.outcome == "violated"})
    return "+".join(sorted({str(one.verdict) for one in judgements})) or "empty", " ".join(violated)


def _busy() -> float:
    return time.process_time() + nursery.default.cpu_seconds


def _source(order: dict[str, Any], limits: Limits) -> RegistrySource:
    if "login" not in order:
        return local_source(order["url"], limits=limits)
    access = replace(LOCAL, credential=Credential(*order["login"]), sleep=time.sleep)
    return open_registry(order["url"], access, limits=limits)


def _bytes(field: str) -> int:
    line = next(line for line in _STATUS.read_text().splitlines() if line.startswith(field))
    return int(line.split()[1]) * 1024


if __name__ == "__main__":
    main()
