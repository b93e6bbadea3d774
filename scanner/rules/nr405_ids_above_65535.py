"""NR405: ids that no user namespace of the usual size maps."""

from __future__ import annotations

from scanner.domain.citations import STOP_ROOT, USER_NAMESPACES
from scanner.domain.evidence import declared, layer_at, made_by
from scanner.domain.facts import ImageFacts
from scanner.domain.file_evidence import NOT_READ
from scanner.domain.file_fixes import remedy
from scanner.domain.files import FileFacts, Place
from scanner.domain.fixes import run_as_account, someone_else
from scanner.domain.identity import Identity, process_groups
from scanner.domain.permission_evidence import owned, place_evidence
from scanner.domain.printable import quoted
from scanner.domain.reading import Reading, read
from scanner.domain.rule import Example, Finding, Rule, ok, unknown
from scanner.domain.verdict import Evidence, Outcome, Severity

_HIGHEST = 65_535
"""``/etc/subuid`` gives 65,536 ids to an account, kubelet as many to a pod."""


def check(facts: ImageFacts, _: int | None = None) -> Finding:
    """An id of the process, or an owner of anything in any layer, above 65535."""
    reading = read(facts)
    ids = _ids_above(reading)
    places = _owners_above(facts.files) if facts.files is not None else []
    if not ids and not places:
        if facts.files is None:
            return unknown(NOT_READ)
        return ok() if isinstance(reading.answer, Identity) else unknown(reading.why_not)
    said = " ".join((_said_of_process(reading, ids), *map(_said_of, places))).strip()
    evidence: list[Evidence] = [declared(facts)] if ids else []
    evidence += [place_evidence(facts, place, owned(place.node)) for place in places]
    return Finding(Outcome.VIOLATED, said, tuple(evidence), _fix(facts, said, ids, places))


def _ids_above(reading: Reading) -> list[int]:
    answer = reading.answer
    if not isinstance(answer, Identity):
        return []
    return sorted({number for number in (answer.uid, answer.gid, *process_groups(answer)) if number > _HIGHEST})


def _owners_above(files: FileFacts) -> list[Place]:
    found = []
    if files.highest_uid is not None and files.highest_uid.node.uid > _HIGHEST:
        found.append(files.highest_uid)
    if files.highest_gid is not None and files.highest_gid.node.gid > _HIGHEST and files.highest_gid not in found:
        found.append(files.highest_gid)
    return found


def _said_of_process(reading: Reading, ids: list[int]) -> str:
    if not ids:
        return ""
    numbers = ", ".join(str(number) for number in ids[:5])
    return (
        f"It runs as uid {reading.uid} and has ids above {_HIGHEST}: {numbers}. In a user namespace it does not start."
    )


def _said_of(place: Place) -> str:
    return (
        f"{quoted(place.path)} belongs to {place.node.uid}:{place.node.gid}, so that layer cannot be unpacked by a "
        "rootless engine or under `userns-remap`."
    )


def _fix(facts: ImageFacts, said: str, ids: list[int], places: list[Place]) -> str:
    if not places:
        return run_as_account(facts, said, someone_else(facts))
    makers = [quoted(maker) for maker in (made_by(layer_at(facts, place.layer)) for place in places) if maker]
    where = f"The layer was made by {makers[0]}. " if makers else ""
    prose = (
        f"{said} {where}Change the owner in the instruction that brings the file: a later `chown` leaves the layer "
        "below as it is. Archives keep the ids of whoever packed them."
    )
    user = [f"USER {someone_else(facts).uid}:0"] if ids else []
    lines = ["COPY --chown=10001:0 app /srv/app", "RUN tar --extract --no-same-owner --file app.tar", *user]
    return remedy(prose, lines)


RULE = Rule(
    id="NR405",
    slug="ids-above-65535",
    title="Ids that no usual user namespace maps",
    why="Rootless engines, `userns-remap` and pods in user namespaces know 65,536 ids; others cannot be used there.",
    severity=Severity.LOW,
    references=(STOP_ROOT, USER_NAMESPACES),
    violating=Example("A uid of six digits", "FROM debian:12\nUSER 100000:100000\nCMD server"),
    fine=Example("One that fits", "FROM debian:12\nUSER 10001:10001\nCMD server"),
    check=check,
    decided=(
        "The ids Docker gives the process are looked at, supplementary groups too, and the highest owner and group of "
        "everything in any layer. What a later layer hides counts as well, because each layer is unpacked. Up to 65535 "
        "an id is mapped by default; a larger range can be configured."
    ),
)
