"""NR303: an arbitrary uid cannot write in WORKDIR."""

from __future__ import annotations

from scanner.domain.arbitrary_uid import Asked, can_write, working_dir
from scanner.domain.citations import OPENSHIFT_IMAGES, RANDOM_IDS
from scanner.domain.facts import ImageFacts
from scanner.domain.file_fixes import remedy
from scanner.domain.permission_evidence import Refusal, refusal_evidence
from scanner.domain.permission_fixes import open_folders, open_refused, openable
from scanner.domain.printable import quoted
from scanner.domain.rule import Example, Finding, Rule, ok, unknown
from scanner.domain.verdict import Outcome, Severity


def check(facts: ImageFacts, _: int | None = None) -> Finding:
    """WORKDIR is missing, cannot be reached, or group 0 may not make files in it."""
    asked = can_write(facts, working_dir(facts))
    if asked.unknown:
        return unknown(asked.unknown)
    if asked.refusal is None:
        return ok()
    said = f"{_which(asked)} {asked.refusal.said}.{_made_by_runtimes(asked.refusal)}"
    evidence = (refusal_evidence(facts, asked.refusal),)
    return Finding(Outcome.VIOLATED, said, evidence, _fix(facts, said, asked, asked.refusal))


def _which(asked: Asked) -> str:
    path = quoted(asked.folder.path)
    return f"WORKDIR is {path}, which" if asked.folder.declared else f"No WORKDIR is set, so it starts in {path}, which"


def _made_by_runtimes(refusal: Refusal) -> str:
    return " Runtimes make it for root alone, root:root with mode 0755." if refusal.missing else ""


def _fix(facts: ImageFacts, said: str, asked: Asked, refusal: Refusal) -> str:
    own = openable([asked.folder.path])
    if own:
        lines = open_refused(facts, own, [refusal])
        return remedy(f"{said} If the program writes there, give it to group 0:", lines)
    lines = [*open_folders(facts, ["/srv/app"], missing=True), "WORKDIR /srv/app"]
    return remedy(f"{said} If the program writes where it starts, start it in a folder of its own:", lines)


RULE = Rule(
    id="NR303",
    slug="workdir-not-writable",
    title="WORKDIR cannot be written by an arbitrary uid",
    why="A program that writes relative paths, such as a pid file, a log or an upload, writes them there.",
    severity=Severity.LOW,
    references=(RANDOM_IDS, OPENSHIFT_IMAGES),
    violating=Example("WORKDIR makes its folder for root", "FROM debian:12\nWORKDIR /srv/app\nUSER 1001:0"),
    fine=Example(
        "WORKDIR belongs to group 0",
        "FROM debian:12\nWORKDIR /srv/app\nRUN chgrp -R 0 /srv/app && chmod -R g=u /srv/app\nUSER 1001:0",
    ),
    check=check,
    decided=(
        "WORKDIR, `/` where none is set, is judged as HOME is by NR302: the process owns nothing, is in group 0, and "
        "must be able to write and search the folder and to search every folder on the way. A missing one is made by "
        "the runtime as root:root with mode 0755. It starts all the same: only relative writes fail."
    ),
)
