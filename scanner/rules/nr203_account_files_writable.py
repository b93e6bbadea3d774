"""NR203: somebody who is not root can rewrite who root is."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from scanner.domain.citations import CVE_2025_7195, CVE_2025_57852, NIST_800_190, NSA_CISA, OPENSHIFT_IMAGES
from scanner.domain.facts import AccountFile, ImageFacts, ReadState
from scanner.domain.file_evidence import MOST_SHOWN, file_place, owner_and_mode
from scanner.domain.file_fixes import NO_ESCALATION_COMPOSE, NO_ESCALATION_KUBERNETES, in_build_stage, remedy, run_on
from scanner.domain.files import Node, NodeKind, Place
from scanner.domain.printable import quoted
from scanner.domain.rule import Example, Finding, Rule, ok, unknown
from scanner.domain.verdict import Evidence, Outcome, Severity

_STICKY = 0o1000
_GROUP_WRITE = 0o020
_OTHER_WRITE = 0o002
_WRITE = _GROUP_WRITE | _OTHER_WRITE


@dataclass(frozen=True, slots=True)
class _Open:
    """A place that a process without root's uid may write."""

    place: Place
    who: str

    @property
    def sentence(self) -> str:
        path = quoted(self.place.path)
        if self.place.node.kind is NodeKind.FOLDER:
            return f"{self.who} can replace what is in {path}."
        return f"{self.who} can write {path}."


def check(facts: ImageFacts, _: int | None = None) -> Finding:
    """The three files by their own mode, and every folder on the way to them where folders are known."""
    files = (facts.passwd, facts.group, facts.shadow)
    found = [_Open(place, _who(place.node)) for place in (*_open_files(files), *_open_folders(facts))]
    if found:
        said = " ".join(each.sentence for each in found[:4])
        said += " Who writes there can become root with `su`: by an account, a group or a password of their own making."
        return Finding(Outcome.VIOLATED, said, _evidence(facts, found), _fix(facts, said, found))
    if any(file.state is ReadState.PRESENT and file.mode is None for file in files):
        return unknown("The permissions of the account files were not stored; the next scan reads the image again.")
    if any(file.state is ReadState.TOO_LARGE for file in files):
        return unknown("An account file is larger than PLIMSOLL_ACCOUNT_FILE_BYTES lets us read.")
    return ok()


def _open_files(files: tuple[AccountFile, ...]) -> Iterator[Place]:
    for file in files:
        if file.state is ReadState.PRESENT and file.mode is not None and (file.mode & _WRITE or file.uid):
            node = Node(NodeKind.FILE, file.mode, file.uid or 0, file.gid or 0)
            yield Place(file.resolved or file.path, node, file.layer)


def _open_folders(facts: ImageFacts) -> Iterator[Place]:
    if facts.files is None:
        return
    seen = set()
    for file in (facts.passwd, facts.group, facts.shadow):
        walk = facts.files.walks.get(file.path)
        for folder in () if walk is None else walk.through:
            node = folder.node
            # In a sticky folder only its owner, and that of the file, can replace the file; anybody can make one.
            holds_it = walk is None or file.state is not ReadState.MISSING or folder is not walk.through[-1]
            kept = node.mode & _STICKY and holds_it
            if (node.uid or (node.mode & _WRITE and not kept)) and folder.path not in seen:
                seen.add(folder.path)
                yield folder


def _who(node: Node) -> str:
    # A sticky folder of root is here because everybody who may write it may make the file that is missing.
    sticky = node.kind is NodeKind.FOLDER and node.mode & _STICKY and node.uid
    if node.mode & _OTHER_WRITE and not sticky:
        return "Everybody"
    if node.mode & _GROUP_WRITE and not sticky:
        return "Group 0, in which OpenShift puts every process," if node.gid == 0 else f"Group {node.gid}"
    return f"Its owner, uid {node.uid},"


def _evidence(facts: ImageFacts, found: list[_Open]) -> tuple[Evidence, ...]:
    return tuple(file_place(facts, each.place, owner_and_mode(each.place.node)) for each in found[:MOST_SHOWN])


def _fix(facts: ImageFacts, said: str, found: list[_Open]) -> str:
    paths = [each.place.path for each in found]
    lines = run_on(facts, "chown 0:0", [each.place.path for each in found if each.place.node.uid])
    lines += run_on(facts, "chmod g-w,o-w", paths)[1 if lines else 0 :]
    elsewhere = in_build_stage(facts, "copy the files with `COPY --chown=0:0 --chmod=644`.")
    prose = (
        f"{said} Nothing needs it: OpenShift adds the line for an arbitrary uid to `/etc/passwd`, and only where "
        f"nobody else can write the file. Take out `chmod g=u /etc/passwd` and the script it was for.{elsewhere}"
    )
    return remedy(prose, lines, NO_ESCALATION_KUBERNETES, NO_ESCALATION_COMPOSE)


RULE = Rule(
    id="NR203",
    slug="account-files-writable",
    title="Account files can be rewritten by others than root",
    why="A process that may write them gives itself an account with uid 0, and the way to root is one `su` long.",
    severity=Severity.HIGH,
    references=(OPENSHIFT_IMAGES, CVE_2025_7195, CVE_2025_57852, NIST_800_190, NSA_CISA),
    violating=Example(
        "What used to be advised for OpenShift",
        "FROM debian:12\nRUN chgrp 0 /etc/passwd && chmod g=u /etc/passwd\nUSER 10001",
    ),
    fine=Example(
        "The folders it works in, and no more", "FROM debian:12\nRUN chgrp 0 /srv && chmod g=u /srv\nUSER 10001"
    ),
    check=check,
    decided=(
        "`/etc/passwd`, `/etc/group` and `/etc/shadow` are followed through links. The file at the end must belong to "
        "uid 0 and be writable neither by its group nor by others; whose group it is makes no difference to the "
        "answer, but group 0 is what OpenShift gives to every process. The same is asked of each folder on the way, "
        "because a file in a folder somebody else may write can be replaced; sticky folders prevent that. A file that "
        "is missing cannot be written, but in a folder somebody else may write, sticky or not, it can be made."
    ),
)
