"""NR402: programs that run as root whoever starts them."""

from __future__ import annotations

from scanner.domain.citations import (
    C_0016,
    CIS_4_8,
    CIS_DI_0008,
    NIST_800_190,
    NO_NEW_PRIVS,
    NSA_CISA,
    POD_ESCALATION,
)
from scanner.domain.facts import ImageFacts
from scanner.domain.file_evidence import MOST_SHOWN, NOT_READ, file_place, named, owner_and_mode
from scanner.domain.file_fixes import NO_ESCALATION_COMPOSE, NO_ESCALATION_KUBERNETES, in_build_stage, remedy, run_on
from scanner.domain.files import FileFacts, Node, Place
from scanner.domain.rule import Example, Finding, Rule, ok, unknown
from scanner.domain.verdict import Outcome, Severity

_SETUID = 0o4000
_SETGID = 0o2000
_EXECUTABLE_BY_OTHERS_THAN_OWNER = 0o011
_SETGID_AND_GROUP_EXECUTE = 0o2010
_INERT = (
    "Live on Docker, Podman and Kubernetes as they come; inert under `allowPrivilegeEscalation: false`, which Pod "
    "Security “restricted” and OpenShift's restricted-v2 set, and under `no-new-privileges`"
)


def check(facts: ImageFacts, _: int | None = None) -> Finding:
    """Setuid files of uid 0 and setgid files of gid 0 that somebody else can execute."""
    files = facts.files
    if files is None:
        return unknown(NOT_READ)
    if not files.privileged and not files.privileged_total:
        return ok()
    found = [file.place for file in files.privileged if _leads_to_root(file.place.node)]
    if not found:
        return _none_seen(files)
    total, kept = len(found), len(files.privileged)
    rest = "" if kept == files.privileged_total else f" (among the first {kept:,} of {files.privileged_total:,})"
    paths = [place.path for place in found]
    verb, them = ("runs", "it") if total == 1 else ("run", "them")
    said = f"{named(paths, total)}{rest} {verb} {_as_whom(found)} whoever starts {them}. {_INERT}."
    evidence = tuple(file_place(facts, place, _words(place.node)) for place in found[:MOST_SHOWN])
    return Finding(Outcome.VIOLATED, said, evidence, _fix(facts, said, paths))


def _as_whom(found: list[Place]) -> str:
    setuid = sum(1 for place in found if _becomes_root(place.node))
    if not setuid:
        return "in the root group"
    return "as root" if setuid == len(found) else "as root or in its group"


def _becomes_root(node: Node) -> bool:
    return bool(node.mode & _SETUID and node.uid == 0 and node.mode & _EXECUTABLE_BY_OTHERS_THAN_OWNER)


def _leads_to_root(node: Node) -> bool:
    if _becomes_root(node):
        return True
    # Without group execute the kernel takes the bit for mandatory locking (bprm_fill_uid).
    return node.mode & _SETGID_AND_GROUP_EXECUTE == _SETGID_AND_GROUP_EXECUTE and node.gid == 0


def _none_seen(files: FileFacts) -> Finding:
    if files.privileged_total > len(files.privileged):
        return unknown(f"Only {len(files.privileged):,} of {files.privileged_total:,} privileged files were kept.")
    others = sum(1 for file in files.privileged if file.place.node.mode & (_SETUID | _SETGID))
    if not others:
        return ok()
    return ok(f"{others:,} setuid or setgid file{'' if others == 1 else 's'}, none of which leads to root.")


def _words(node: Node) -> str:
    setuid = "setuid" if node.mode & _SETUID else ""
    setgid = "setgid" if node.mode & _SETGID else ""
    return f"{' and '.join(word for word in (setuid, setgid) if word)}: {owner_and_mode(node)}"


def _fix(facts: ImageFacts, said: str, paths: list[str]) -> str:
    everywhere = "find / -xdev -type f -perm /6000 -exec chmod a-s {} +"
    lines = run_on(facts, "chmod a-s", paths, everywhere=everywhere)
    elsewhere = in_build_stage(facts, "take the bits away in the stage the files are copied from.")
    prose = f"{said} A server needs none of them, so take the bits away.{elsewhere}"
    return remedy(prose, lines, NO_ESCALATION_KUBERNETES, NO_ESCALATION_COMPOSE)


RULE = Rule(
    id="NR402",
    slug="setuid-root",
    title="Holds programs that run as root for everybody",
    why="One flaw in any of them turns a process that is not root back into root, inside a container meant to be safe.",
    severity=Severity.MEDIUM,
    references=(CIS_4_8, NIST_800_190, NSA_CISA, POD_ESCALATION, NO_NEW_PRIVS, CIS_DI_0008, C_0016),
    violating=Example(
        "A setuid program beside those of the base",
        "FROM debian:12\nCOPY --chmod=4755 helper /usr/local/bin/helper\nUSER 10001:10001",
    ),
    fine=Example(
        "The bits are gone",
        "FROM debian:12\nRUN find / -xdev -type f -perm /6000 -exec chmod a-s {} +\nUSER 10001:10001",
    ),
    check=check,
    decided=(
        "Every regular file that the image's layers leave in place is looked at. Setuid counts where uid 0 owns the "
        "file and group or others may execute it; setgid counts where gid 0 owns it and its group may execute it, "
        "because the kernel ignores the bit otherwise. Setuid and setgid to other accounts are counted in the reason. "
        "What they are worth depends on how the container is started, and the finding says so."
    ),
)
