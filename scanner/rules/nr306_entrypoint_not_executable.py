"""NR306: an arbitrary uid cannot execute the command."""

from __future__ import annotations

from scanner.domain.arbitrary_uid import ARBITRARY
from scanner.domain.citations import FRIENDS, OPENSHIFT_IMAGES
from scanner.domain.execution import CAPABLE_ROOT, Execution, execute
from scanner.domain.facts import ImageFacts
from scanner.domain.file_fixes import BEFORE_USER, remedy
from scanner.domain.files import NodeKind
from scanner.domain.fixes import base_family, safe_path
from scanner.domain.permission_evidence import owned, place_evidence
from scanner.domain.permission_fixes import openable
from scanner.domain.permissions import Access
from scanner.domain.printable import printable, quoted
from scanner.domain.rule import Example, Finding, Rule, not_applicable, ok, unknown
from scanner.domain.verdict import Evidence, Outcome, Severity


def check(facts: ImageFacts, _: int | None = None) -> Finding:
    """The program, its interpreter or loader, or a folder on the way refuses; or there is no such program."""
    if not facts.config.entrypoint and not facts.config.cmd:
        return not_applicable("The image names no command: whoever starts it has to.")
    found = execute(facts, ARBITRARY)
    if found.unknown:
        return unknown(found.unknown)
    if found.succeeds:
        return ok()
    everybody = not execute(facts, CAPABLE_ROOT).succeeds
    whom = "nobody, root included, can execute" if everybody else "an arbitrary uid in group 0 cannot execute"
    said = (
        f"Entrypoint and Cmd begin with {quoted(found.program)}, which {whom}: {found.problem}.{_what_refuses(found)}"
    )
    return Finding(Outcome.VIOLATED, said, (_evidence(facts, found),), _fix(facts, said, found))


def _what_refuses(found: Execution) -> str:
    place = found.denied.place if found.denied is not None else None
    return f" {quoted(place.path)} is {owned(place.node)}." if place is not None else ""


def _evidence(facts: ImageFacts, found: Execution) -> Evidence:
    place = found.denied.place if found.denied is not None else None
    if place is None and found.walk is not None:
        place = found.walk.place
    wanted = printable(found.program, longest=500)
    if place is not None:
        return {**place_evidence(facts, place, found.problem), "wanted": wanted}
    entry = facts.files.entry_point if facts.files is not None else None
    searched = printable(":".join(entry.searched), longest=500) if entry is not None and entry.searched else None
    missing = found.denied.path if found.denied is not None else found.program
    path = printable(missing, longest=500)
    return {"path": path, "text": found.problem, "wanted": wanted, "searched": searched}


def _fix(facts: ImageFacts, said: str, found: Execution) -> str:
    place = found.denied.place if found.denied is not None else None
    if place is None:
        return remedy(f"{said} {_without_a_place(found)}", ())
    if place.node.kind not in (NodeKind.FILE, NodeKind.FOLDER) or not safe_path(place.path):
        return remedy(f"{said} Put the program where every user may read and execute it.", ())
    if place.node.kind is NodeKind.FOLDER and (place.path == found.program or not openable([place.path])):
        example = ("COPY --chmod=0755 server /usr/local/bin/server", 'ENTRYPOINT ["/usr/local/bin/server"]')
        return remedy(f"{said} That folder is not the place for a program. Put it where everybody may look:", example)
    return remedy(f"{said} Let group 0, which every arbitrary uid is a member of, do it:", _opened(facts, found))


def _opened(facts: ImageFacts, found: Execution) -> list[str]:
    place = found.denied.place if found.denied is not None else None
    if place is None:
        return []
    if not base_family(facts).has_shell:
        return [f"COPY --chmod=0755 {place.path.rpartition('/')[2]} {place.path}"]
    bits = "x" if place.node.kind is NodeKind.FOLDER else "rx"
    if not place.node.mode & 0o111 and place.node.kind is NodeKind.FILE:
        return [BEFORE_USER, f"RUN chmod a+{bits} {place.path}"]
    return [BEFORE_USER, f"RUN chgrp 0 {place.path} && chmod g+{bits} {place.path}"]


def _without_a_place(found: Execution) -> str:
    if found.problem.endswith("exec format error"):
        return (
            "The kernel knows neither an ELF program nor a `#!` line there: begin a script with `#!/bin/sh`, and build "
            "a program for the platform of the image."
        )
    if found.denied is not None and found.denied.wanted is Access.EXECUTE:
        return "Put the program where every user may read and execute it."
    if found.walk is not None and found.walk.path != found.program and not found.problem.startswith("exec:"):
        return f"The program asks for {quoted(found.walk.path)}: install that, or link the program statically."
    return "Copy the program into the image, or correct ENTRYPOINT, CMD or PATH."


RULE = Rule(
    id="NR306",
    slug="entrypoint-not-executable",
    title="The command cannot be executed by an arbitrary uid",
    why="The container does not start at all on OpenShift, nor with any `runAsUser` or `--user` but the expected one.",
    severity=Severity.HIGH,
    references=(FRIENDS, OPENSHIFT_IMAGES),
    violating=Example(
        "Only its owner may execute it",
        "FROM debian:12\nCOPY --chown=1001:1001 --chmod=0700 server /srv/server\nUSER 1001:1001\n"
        'ENTRYPOINT ["/srv/server"]',
    ),
    fine=Example(
        "Everybody may read and execute it",
        'FROM debian:12\nCOPY --chmod=0755 server /srv/server\nUSER 1001:1001\nENTRYPOINT ["/srv/server"]',
    ),
    check=check,
    decided=(
        "Entrypoint and Cmd are looked up as runc does it, in the folders of PATH where the command has no slash: the "
        "first one the process may execute counts. Then as the kernel does it: every folder on the way must be "
        "searched, the file must be executable, its interpreter (`#!`) or loader too, and a script must be readable. "
        "What is missing, or is neither an ELF program nor a script, nobody can execute; the finding says so."
    ),
)
