"""NR403: programs that bring capabilities of their own."""

from __future__ import annotations

from dataclasses import dataclass

from scanner.domain.capabilities import NO_CAPABILITIES, FileCapability, decode
from scanner.domain.citations import C_0046, CAPABILITIES, NIST_800_190, NSA_CISA, POD_ESCALATION
from scanner.domain.facts import ImageFacts
from scanner.domain.file_evidence import MOST_SHOWN, NOT_READ, file_place, named
from scanner.domain.file_fixes import in_build_stage, remedy, run_each
from scanner.domain.files import FileFacts, Place
from scanner.domain.rule import Example, Finding, Rule, ok, unknown
from scanner.domain.verdict import Evidence, Outcome, Severity

_MOST_ADDED = 8
_PREFIX = "cap_"
_DROPPED = (
    "at all under `drop: [ALL]`, which Pod Security “restricted” and OpenShift's restricted-v2 demand: *operation not "
    "permitted*, even for root"
)
_BROKEN = "anywhere, because the kernel cannot read the attribute: *invalid argument*, even for root"


@dataclass(frozen=True, slots=True)
class _Holder:
    """A file with capabilities."""

    place: Place
    capability: FileCapability

    @property
    def says_something(self) -> bool:
        return bool(self.capability.permitted or self.capability.inheritable or self.capability.problem)

    @property
    def stops(self) -> bool:
        # An attribute the kernel cannot read ends in EINVAL, whatever the container may.
        return self.broken or self.capability.stops_exec(NO_CAPABILITIES)

    @property
    def broken(self) -> bool:
        return bool(self.capability.problem)


def check(facts: ImageFacts, _: int | None = None) -> Finding:
    """Every file whose ``security.capability`` gives something, or cannot be read."""
    files = facts.files
    if files is None:
        return unknown(NOT_READ)
    if not files.privileged and not files.privileged_total:
        return ok()
    holders = [_Holder(file.place, decode(file.capability)) for file in files.privileged if file.capability]
    found = [each for each in holders if each.says_something]
    if not found:
        if files.privileged_total > len(files.privileged):
            kept = len(files.privileged)
            return unknown(f"Only {kept:,} of {files.privileged_total:,} privileged files were kept.")
        return ok()
    # Those that stop a start come first: they are what somebody will look for.
    found.sort(key=lambda each: not each.stops)
    said = _said(files, found)
    evidence = tuple(_evidence(facts, each) for each in found[:MOST_SHOWN])
    return Finding(Outcome.VIOLATED, said, evidence, _fix(facts, said, found))


def _said(files: FileFacts, found: list[_Holder]) -> str:
    holds = (
        f"{named([each.place.path for each in found], len(found))} {'has' if len(found) == 1 else 'have'} capabilities"
    )
    if files.privileged_total > len(files.privileged):
        holds += f" (among the first {len(files.privileged):,} of {files.privileged_total:,} privileged files)"
    stopping = [each.place.path for each in found if each.stops]
    if not stopping:
        they = "It" if len(found) == 1 else "They"
        return f"{holds}. {they} can be executed anywhere; under `no_new_privs` nothing is gained."
    dropped = [each.place.path for each in found if each.stops and not each.broken]
    broken = [each.place.path for each in found if each.broken]
    start = " That is the command the image starts with." if _starts_with(files, stopping) else ""
    return f"{holds}.{_stopped(found, dropped, _DROPPED)}{_stopped(found, broken, _BROKEN)}{start}"


def _stopped(found: list[_Holder], paths: list[str], why: str) -> str:
    if not paths:
        return ""
    return f" {'It' if len(found) == 1 else named(paths, len(paths))} cannot be executed {why}."


def _starts_with(files: FileFacts, paths: list[str]) -> bool:
    candidates = () if files.entry_point is None else files.entry_point.candidates
    return any(program.walk.place is not None and program.walk.place.path in paths for program in candidates)


def _evidence(facts: ImageFacts, holder: _Holder) -> Evidence:
    stops = "stops exec under drop ALL" if holder.stops else "does not stop exec"
    if holder.broken:
        stops = "stops exec everywhere"
    return {**file_place(facts, holder.place, holder.capability.text), "effect": stops}


def _fix(facts: ImageFacts, said: str, found: list[_Holder]) -> str:
    lines = run_each(facts, [each.place.path for each in found], "cp {0} {0}.plain && mv -f {0}.plain {0}")
    elsewhere = in_build_stage(
        facts, "copy the file plainly in the stage it comes from; `cp` leaves capabilities behind."
    )
    prose = f"{said} `setcap -r` takes them away; so does a plain copy, which needs no package.{elsewhere}"
    names = dict.fromkeys(name for each in found for name in each.capability.permitted)
    added = [name.removeprefix(_PREFIX).upper() for name in names][:_MOST_ADDED]
    if not added:
        return remedy(prose, lines)
    kubernetes = (
        "securityContext:",
        "  capabilities:",
        "    drop: [ALL]",
        f"    add: [{', '.join(added)}]  # restricted allows NET_BIND_SERVICE only",
    )
    return remedy(prose, lines, kubernetes, ("cap_drop: [ALL]", f"cap_add: [{', '.join(added)}]"))


RULE = Rule(
    id="NR403",
    slug="file-capabilities",
    title="Programs with capabilities of their own",
    why="They give a piece of root to whoever runs them, and where capabilities are dropped they do not even start.",
    severity=Severity.MEDIUM,
    references=(CAPABILITIES, POD_ESCALATION, NIST_800_190, NSA_CISA, C_0046),
    violating=Example(
        "A server that may bind low ports",
        "FROM debian:12\nRUN apt-get update && apt-get install -y libcap2-bin \\\n"
        " && setcap cap_net_bind_service=+ep /usr/local/bin/server\nUSER 10001:10001",
    ),
    fine=Example("A server on a high port", "FROM debian:12\nEXPOSE 8080\nUSER 10001:10001\nCMD server"),
    check=check,
    decided=(
        "The attribute `security.capability` of every file is decoded as the kernel does, revisions 1 to 3. Where its "
        "effective bit is set and the container's bounding set lacks one of its permitted capabilities, `execve` "
        "answers *operation not permitted*, even to root and even where the program would never use it. Without that "
        "bit it starts and gains nothing. An attribute the kernel cannot read stops it everywhere."
    ),
)
