"""What-if answers as plain JSON values: schema-numbered, and safe to show.

::

    {"schema": 1, "outcome": "breaks", "error": null, "runtime": "docker", "start": {"user": "3000:0", …},
     "declared": {"uid": 1001, …}, "identity": {"uid": 3000, …}, "derivation": [{"text": "…"}],
     "platforms": {"docker-run": {"answer": "admit", "message": "…"}, …},
     "consequences": {"program": {…}, "paths": [{"role": "home", "path": "/", "lost": ["write"], …}], "trees": […]}}

Fields may be added, never renamed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from scanner.domain.files import Node
from scanner.domain.identity import Resolution, StartError, Step, process_groups
from scanner.domain.permissions import Access, Denied
from scanner.domain.printable import printable
from scanner.whatif.answer import Consequences, PathUse, ProgramUse, TreeLoss, WhatIf

SCHEMA = 1
Json = dict[str, Any]

_WORDS = {Access.READ: "read", Access.WRITE: "write", Access.EXECUTE: "execute"}


def as_document(found: WhatIf) -> Json:
    """The whole answer."""
    started = found.started
    refused_by = None if started.refusal is None else started.refusal.by.value
    applies = not found.not_applicable
    return {
        "schema": SCHEMA,
        "outcome": found.outcome.value,
        "error": None if found.start_error is None else printable(found.start_error, longest=500),
        "refused_by": refused_by,
        "not_applicable": found.not_applicable or None,
        "runtime": started.runtime.value,
        "start": _start(found),
        "declared": _identity(started.declared) if applies else None,
        "identity": _identity(started.resolution) if applies else None,
        "host": None if started.host is None else asdict(started.host),
        "derivation": [_step(step) for step in started.resolution.steps] if applies else [],
        "platforms": {
            name: {"answer": answer.answer, "message": printable(answer.message, longest=500)}
            for name, answer in found.platforms.items()
        },
        "consequences": None if found.consequences is None else _consequences(found.consequences),
    }


def _start(found: WhatIf) -> Json:
    """Only what is set, so that a reader sees what was asked and what OpenShift filled in."""
    values = asdict(found.started.start)
    kept = {name: value for name, value in values.items() if value is not None and value is not False and value != ()}
    kept["by"] = found.started.start.by.value
    kept["merge_groups"] = found.started.start.merge_groups
    if found.started.start.user is not None:
        kept["user"] = printable(found.started.start.user, longest=300)
    return kept


def _identity(found: Resolution) -> Json:
    answer = found.answer
    if isinstance(answer, StartError):
        return {"error": printable(answer.message, longest=500)}
    groups = list(process_groups(answer))
    return {"uid": answer.uid, "gid": answer.gid, "groups": groups, "home": printable(answer.home, longest=500)}


def _step(step: Step) -> Json:
    found: Json = {"text": printable(step.text, longest=500)}
    if step.path is not None:
        found |= {"path": step.path, "line": step.line, "quote": printable(step.quote or "", longest=300)}
    return found


def _consequences(found: Consequences) -> Json:
    return {
        "program": None if found.program is None else _program(found.program),
        "paths": [_path(use) for use in found.paths],
        "trees": [_tree(loss) for loss in found.trees],
        "setuid_inert": {
            "count": found.privileges.inert_total,
            "examples": [printable(path, longest=300) for path in found.privileges.inert],
        },
        "stopped_by_capabilities": [printable(path, longest=300) for path in found.privileges.stopped],
        "unknown": [printable(text, longest=500) for text in found.unknown],
        "assumptions": [printable(text, longest=500) for text in found.assumptions],
    }


def _program(use: ProgramUse) -> Json:
    return {
        "path": printable(use.path, longest=300),
        "error": None if use.problem is None else printable(use.problem, longest=500),
        "declared_error": None if use.before is None else printable(use.before, longest=500),
        "unknown": printable(use.unknown, longest=500) or None,
    }


def _path(use: PathUse) -> Json:
    return {
        "role": use.role.value,
        "path": printable(use.path, longest=300),
        "declared_path": printable(use.before_path, longest=300),
        "can": _words(use.now),
        "declared_can": _words(use.before),
        "lost": _words(use.lost),
        "created_at_start": use.created,
        "refusals": _refusals(use.refusals),
    }


def _refusals(refusals: Mapping[Access, Denied]) -> Json:
    return {_WORDS[access]: _denied(denied) for access, denied in refusals.items()}


def _denied(denied: Denied) -> Json:
    node = None if denied.place is None else denied.place.node
    return {"path": printable(denied.path, longest=300), "missing": node is None, **_node(node)}


def _node(node: Node | None) -> Json:
    if node is None:
        return {"mode": None, "uid": None, "gid": None}
    return {"mode": f"{node.mode:04o}", "uid": node.uid, "gid": node.gid}


def _tree(loss: TreeLoss) -> Json:
    return {
        "path": printable(loss.path, longest=300),
        "kind": loss.kind.value,
        "lost": _WORDS[loss.access],
        "count": loss.count,
        "at_least": not loss.complete,
        "classes": [
            {
                **_node(found.node),
                "count": found.count,
                "examples": [printable(path, longest=300) for path in found.examples],
            }
            for found in loss.classes
        ],
    }


def _words(access: Access) -> list[str]:
    return [word for flag, word in _WORDS.items() if flag in access]
