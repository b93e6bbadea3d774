"""NR302: an arbitrary uid cannot write in HOME."""

from __future__ import annotations

from scanner.domain.arbitrary_uid import Asked, Folder, can_write, home, home_on_openshift
from scanner.domain.citations import OPENSHIFT_IMAGES, RANDOM_IDS
from scanner.domain.facts import ImageFacts
from scanner.domain.permission_evidence import Refusal, refusal_evidence
from scanner.domain.permission_fixes import home_instead, open_folders, open_refused, openable, writable_folder
from scanner.domain.printable import quoted
from scanner.domain.rule import Example, Finding, Rule, ok, unknown
from scanner.domain.verdict import Outcome, Severity


def check(facts: ImageFacts, _: int | None = None) -> Finding:
    """HOME is missing, cannot be reached, or group 0 may not make files in it."""
    asked = can_write(facts, home(facts))
    if asked.unknown:
        return unknown(asked.unknown)
    if asked.refusal is None:
        return ok()
    said = f"{_which(asked)} {asked.refusal.said}.{_on_openshift(facts, asked)}"
    evidence = (refusal_evidence(facts, asked.refusal),)
    return Finding(Outcome.VIOLATED, said, evidence, _fix(facts, said, asked, asked.refusal))


def _which(asked: Asked) -> str:
    path = quoted(asked.folder.path)
    return f"HOME is {path}, which" if asked.folder.declared else f"HOME is unset, so {path} takes its place, which"


def _on_openshift(facts: ImageFacts, asked: Asked) -> str:
    path = home_on_openshift(facts)
    if asked.folder.declared or path is None or path == asked.folder.path:
        return ""
    there = can_write(facts, Folder(path))
    if there.unknown or there.refusal is not None:
        return ""
    return f" On OpenShift CRI-O takes WORKDIR, {quoted(path)}, instead, which group 0 may write."


def _fix(facts: ImageFacts, said: str, asked: Asked, refusal: Refusal) -> str:
    own = openable([asked.folder.path]) if asked.folder.declared else []
    if own:
        lines = open_refused(facts, own, [refusal])
        return home_instead(f"{said} Give it to group 0, which every arbitrary uid is a member of:", lines)
    folder = writable_folder(facts)
    lines = [*open_folders(facts, openable([folder]), missing=True), f"ENV HOME={folder}"]
    return home_instead(f"{said} Name another folder, and give it to group 0:", lines)


RULE = Rule(
    id="NR302",
    slug="home-not-writable",
    title="HOME cannot be written by an arbitrary uid",
    why="A program that cannot keep its cache or settings fails at start, or later, where nobody looks for the cause.",
    severity=Severity.MEDIUM,
    references=(RANDOM_IDS, OPENSHIFT_IMAGES),
    violating=Example(
        "HOME belongs to one account",
        "FROM debian:12\nRUN useradd --uid 1001 --create-home app\nENV HOME=/home/app\nUSER 1001:1001",
    ),
    fine=Example(
        "HOME belongs to group 0",
        "FROM debian:12\nENV HOME=/srv/app\nRUN mkdir -p /srv/app && chgrp -R 0 /srv/app && chmod -R g=u /srv/app\n"
        "USER 1001:0",
    ),
    check=check,
    decided=(
        "The process of an arbitrary uid owns nothing, is in group 0, and has no capabilities. HOME, links followed, "
        "must be a folder it may write and search, and it must be able to search every folder on the way. As in the "
        "kernel only the first class counts that matches: owner, group, other. Without HOME it is `/`."
    ),
)
