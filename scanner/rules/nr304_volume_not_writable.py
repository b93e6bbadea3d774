"""NR304: an arbitrary uid cannot write in a VOLUME."""

from __future__ import annotations

from scanner.domain.arbitrary_uid import Asked, can_write, volumes
from scanner.domain.citations import OPENSHIFT_IMAGES, RANDOM_IDS
from scanner.domain.facts import ImageFacts
from scanner.domain.file_evidence import MOST_SHOWN, named
from scanner.domain.permission_evidence import Refusal, refusal_evidence
from scanner.domain.permission_fixes import open_refused, openable, volumes_instead
from scanner.domain.printable import quoted
from scanner.domain.rule import Example, Finding, Rule, not_applicable, ok, unknown
from scanner.domain.verdict import Outcome, Severity


def check(facts: ImageFacts, _: int | None = None) -> Finding:
    """A volume's folder is missing, cannot be reached, or group 0 may not make files in it."""
    if not facts.config.volumes:
        return not_applicable("The image declares no VOLUME.")
    asked = [can_write(facts, folder) for folder in volumes(facts)]
    refused = [found.refusal for found in asked if found.refusal is not None]
    if not refused:
        doubt = next((found.unknown for found in asked if found.unknown), "")
        return unknown(doubt) if doubt else ok()
    said = _said(asked, refused)
    evidence = tuple(refusal_evidence(facts, refusal) for refusal in refused[:MOST_SHOWN])
    return Finding(Outcome.VIOLATED, said, evidence, _fix(facts, said, refused))


def _said(asked: list[Asked], refused: list[Refusal]) -> str:
    if len(refused) == 1:
        said = f"VOLUME {quoted(refused[0].walk.path)} {refused[0].said}."
    else:
        paths = named([refusal.walk.path for refusal in refused], len(refused))
        said = f"{len(refused):,} of {len(asked):,} volumes cannot be written by group 0: {paths}."
    if not any(refusal.missing for refusal in refused):
        return said
    return (
        f"{said} Docker and containerd make a missing folder for root alone, root:root with mode 0755; CRI-O, and so "
        "OpenShift, makes it for the process, which may write there."
    )


def _fix(facts: ImageFacts, said: str, refused: list[Refusal]) -> str:
    paths = openable([refusal.walk.path for refusal in refused])
    if not paths:
        return volumes_instead(
            f"{said} Declare a folder of the application's own instead, which belongs to group 0.", (), ()
        )
    lines = open_refused(facts, paths, refused)
    prose = (
        f"{said} A new volume begins with the owner and mode of the image's folder. Before VOLUME in the Dockerfile:"
    )
    return volumes_instead(prose, lines, paths)


RULE = Rule(
    id="NR304",
    slug="volume-not-writable",
    title="A VOLUME cannot be written by an arbitrary uid",
    why="What the image keeps its data in is closed to the uid that OpenShift, or `--user`, gives the process.",
    severity=Severity.MEDIUM,
    references=(RANDOM_IDS, OPENSHIFT_IMAGES),
    violating=Example("The folder is made for root", "FROM debian:12\nVOLUME /srv/data\nUSER 1001:0"),
    fine=Example(
        "The folder belongs to group 0",
        "FROM debian:12\nRUN mkdir -p /srv/data && chgrp 0 /srv/data && chmod g=u /srv/data\nVOLUME /srv/data\n"
        "USER 1001:0",
    ),
    check=check,
    decided=(
        "Every VOLUME is judged as HOME is by NR302, because a volume nobody names begins as a copy of the image's "
        "folder, owner and mode included. A missing folder counts as closed: Docker and containerd make it for root, "
        "CRI-O alone for the process. Volumes that somebody mounts there have permissions of their own."
    ),
)
