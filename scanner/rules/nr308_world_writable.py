"""NR308: what everybody may write."""

from __future__ import annotations

from scanner.domain.citations import CHMOD_1, OPENSHIFT_IMAGES, RANDOM_IDS
from scanner.domain.facts import ImageFacts
from scanner.domain.file_evidence import MOST_SHOWN, NOT_READ, named
from scanner.domain.file_fixes import BEFORE_USER, in_build_stage, remedy, run_on
from scanner.domain.fixes import base_family
from scanner.domain.permission_evidence import owned, place_evidence
from scanner.domain.rule import Example, Finding, Rule, ok, unknown
from scanner.domain.verdict import Outcome, Severity

_EVERYWHERE = "find / -xdev ! -type l -perm -0002 ! -perm -1000 -exec chmod o-w {} +"


def check(facts: ImageFacts, _: int | None = None) -> Finding:
    """Folders, files and FIFOs with the write bit for others, outside sticky folders."""
    files = facts.files
    if files is None:
        return unknown(NOT_READ)
    total = files.world_writable_total
    if not total:
        return ok()
    if not files.world_writable:
        return unknown(f"{total:,} files and folders may be writable by everyone, and were not looked at.")
    paths = [place.path for place in files.world_writable]
    said = f"Everybody may write {named(paths, total)}."
    evidence = tuple(place_evidence(facts, place, owned(place.node)) for place in files.world_writable[:MOST_SHOWN])
    return Finding(Outcome.VIOLATED, said, evidence, _fix(facts, said, paths, total))


def _fix(facts: ImageFacts, said: str, paths: list[str], total: int) -> str:
    if total == len(paths):
        lines = run_on(facts, "chmod o-w", paths, everywhere=_EVERYWHERE)
    else:
        lines = [BEFORE_USER, f"RUN {_EVERYWHERE}"] if base_family(facts).has_shell else []
    elsewhere = in_build_stage(
        facts, "take the bit away in the stage the files are copied from, or with `COPY --chmod`."
    )
    prose = (
        f"{said} It works for an arbitrary uid, and for every other process that ever gets in. Group 0 is enough for "
        f"the one and no more: `chgrp -R 0` and `chmod -R g=u`, without the bit for others.{elsewhere}"
    )
    return remedy(prose, lines)


RULE = Rule(
    id="NR308",
    slug="world-writable",
    title="Files or folders everybody may write",
    why="Any process in the container, whoever it is, can change what the application reads or runs next.",
    severity=Severity.MEDIUM,
    references=(RANDOM_IDS, OPENSHIFT_IMAGES, CHMOD_1),
    violating=Example("The shortcut", "FROM debian:12\nRUN mkdir -p /srv/app && chmod -R 777 /srv/app\nUSER 1001:0"),
    fine=Example(
        "Group 0 instead of everybody",
        "FROM debian:12\nRUN mkdir -p /srv/app && chgrp -R 0 /srv/app && chmod -R g=u /srv/app\nUSER 1001:0",
    ),
    check=check,
    decided=(
        "Every folder, file and FIFO that the image's layers leave in place is looked at. It counts where others have "
        "the write bit, unless it stands in a folder that has the sticky bit as `/tmp` has, or is one. Links and "
        "devices do not count."
    ),
)
