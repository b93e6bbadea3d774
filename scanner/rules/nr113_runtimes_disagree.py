"""NR113: who it is depends on what starts it."""

from __future__ import annotations

from collections.abc import Mapping

from scanner.domain.citations import CONTAINERD_USER, CVE_2024_40635, CVE_2026_46680, GO_ACCOUNT_PARSER
from scanner.domain.evidence import declared
from scanner.domain.facts import ImageFacts
from scanner.domain.fixes import run_as_account, someone_else
from scanner.domain.identity import RUNNERS, Identity, Runtime, StartError
from scanner.domain.printable import printable
from scanner.domain.reading import Kind, Reading, read
from scanner.domain.rule import Example, Finding, Rule, not_applicable, ok, unknown
from scanner.domain.runner_answers import KUBELETS, NAMES, runner_answers
from scanner.domain.runtime_versions import VersionNote, version_notes
from scanner.domain.user_spec import MAX_ID
from scanner.domain.verdict import Evidence, Outcome, Severity

_Answers = Mapping[Runtime, Identity | StartError]
_READ_ALIKE = tuple(runtime for runtime in RUNNERS if runtime not in KUBELETS)


def check(facts: ImageFacts, _: int | None = None) -> Finding:
    """Different uids anywhere, different gids among runtimes that get the same half of USER, or a lone refusal."""
    reading = read(facts)
    if reading.passwd_problem or reading.group_problem:
        return unknown(reading.why_not)
    answers = runner_answers(facts)
    notes = version_notes(facts) if Kind.OUT_OF_RANGE in (reading.user.kind, reading.group.kind) else ()
    uids: set[int] = {answer.uid for answer in answers.values() if isinstance(answer, Identity)}
    if not uids:
        return not_applicable("No runtime starts it, which NR104 or NR106 say.")
    uids |= {note.uid for note in notes if note.uid is not None}
    if len(uids) > 1 or _gids_differ(answers, reading) or _refused(answers):
        evidence = (declared(facts), *_evidence(answers), *map(_note, notes))
        said = f"{_said(answers, notes)}."
        return Finding(Outcome.VIOLATED, said, evidence, run_as_account(facts, said, someone_else(facts)))
    return ok()


def _gids_differ(answers: _Answers, reading: Reading) -> bool:
    """Whether gids differ for another reason than that kubelet drops a group half, which is NR111's."""
    compared = (RUNNERS,) if reading.group.kind is Kind.EMPTY else (_READ_ALIKE, KUBELETS)
    return any(len(_gids(answers, runtimes)) > 1 for runtimes in compared)


def _gids(answers: _Answers, runtimes: tuple[Runtime, ...]) -> set[int]:
    return {answer.gid for runtime in runtimes if isinstance(answer := answers[runtime], Identity)}


def _refused(answers: _Answers) -> bool:
    """Whether a runtime refuses what Docker starts with ids every runtime can take."""
    docker = answers[Runtime.DOCKER]
    if not isinstance(docker, Identity) or max(docker.uid, docker.gid, *docker.groups) > MAX_ID:
        return False
    return any(isinstance(answer, StartError) for answer in answers.values())


def _said(answers: _Answers, notes: tuple[VersionNote, ...]) -> str:
    """One sentence, runtimes that agree taken together."""
    alike: dict[str, list[str]] = {}
    for runtime, answer in answers.items():
        alike.setdefault(_shown(answer), []).append(NAMES[runtime])
    parts = [f"{', '.join(names)}: {shown}" for shown, names in alike.items()]
    return "; ".join([*parts, *(note.sentence for note in notes)])


def _shown(answer: Identity | StartError) -> str:
    if isinstance(answer, StartError):
        return f"does not start ({printable(answer.message, longest=200)})"
    return f"{answer.uid}:{answer.gid}"


def _evidence(answers: _Answers) -> list[Evidence]:
    return [{"runtime": NAMES[runtime], "identity": _shown(answer)} for runtime, answer in answers.items()]


def _note(note: VersionNote) -> Evidence:
    return {"component": note.component, "versions": note.versions, "there": note.there, "since": note.fixed}


RULE = Rule(
    id="NR113",
    slug="runtimes-disagree",
    title="Is somebody else under another runtime",
    why="What was tested under one runtime, or one version of it, is another user under the next.",
    severity=Severity.MEDIUM,
    references=(CONTAINERD_USER, GO_ACCOUNT_PARSER, CVE_2024_40635, CVE_2026_46680),
    violating=Example("containerd takes the empty group for gid 0", "FROM debian:12\nUSER www-data:\nCMD server"),
    fine=Example("Two plain numbers", "FROM debian:12\nUSER 10001:10001\nCMD server"),
    check=check,
    decided=(
        "Docker, Docker with runc 1.1, containerd, Podman, and Kubernetes with containerd and with CRI-O are asked, "
        "with the versions that changed an answer where USER holds a number out of range. It counts when two of them "
        "give different uids; when their gids differ, except that with a group in USER those behind kubelet are "
        "compared among themselves, because what kubelet drops is NR111's; and when one refuses what Docker starts "
        "with ordinary ids. Supplementary groups and HOME do not count. A USER every runtime refuses is left to NR104 "
        "and NR106."
    ),
)
