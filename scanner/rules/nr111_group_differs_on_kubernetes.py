"""NR111: the group half of USER holds on Docker and is dropped by kubelet."""

from __future__ import annotations

from collections.abc import Mapping

from scanner.domain.citations import KUBERNETES_GROUPS, SECURITY_CONTEXT
from scanner.domain.evidence import declared
from scanner.domain.facts import ImageFacts
from scanner.domain.fixes import Account, advice, base_family, create_account
from scanner.domain.identity import Identity, Runtime, StartError, process_groups
from scanner.domain.printable import printable, quoted
from scanner.domain.reading import Kind, Reading, read
from scanner.domain.rule import Example, Finding, Rule, not_applicable, ok, unknown
from scanner.domain.runner_answers import KUBELETS, NAMES, runner_answers
from scanner.domain.verdict import Evidence, Outcome, Severity

_COMPARED = (Runtime.DOCKER, *KUBELETS)


def check(facts: ImageFacts, _: int | None = None) -> Finding:
    """A group half after which gid or groups differ between Docker and a pod."""
    reading = read(facts)
    if reading.group.kind is Kind.EMPTY:
        return ok()
    answers = runner_answers(facts)
    docker = answers[Runtime.DOCKER]
    if not isinstance(docker, Identity):
        if reading.passwd_problem or reading.group_problem:
            return unknown(reading.why_not)
        return not_applicable("Docker does not start it, which NR104 or NR106 say.")
    pods = {answer for runtime in KUBELETS if isinstance(answer := answers[runtime], Identity)}
    if any(_groups(pod) != _groups(docker) for pod in pods):
        said = f"{_said(answers)}: kubelet does not send the group {quoted(reading.group.text)}."
        evidence = (declared(facts), *(_evidence(runtime, answers[runtime]) for runtime in _COMPARED))
        return Finding(Outcome.VIOLATED, said, evidence, _fix(facts, reading, docker, said))
    if len(pods) == 0:
        return unknown(f"Docker starts it, Kubernetes does not: {_shown(answers[Runtime.KUBERNETES])}.")
    return ok()


def _groups(identity: Identity) -> tuple[int, frozenset[int]]:
    return identity.gid, frozenset(process_groups(identity))


def _said(answers: Mapping[Runtime, Identity | StartError]) -> str:
    docker, pod = (_shown(answers[runtime]) for runtime in (Runtime.DOCKER, Runtime.KUBERNETES))
    return f"Docker starts it as {docker}, Kubernetes as {pod}"


def _shown(answer: Identity | StartError) -> str:
    if isinstance(answer, StartError):
        return printable(answer.message, longest=300)
    groups = process_groups(answer)
    more = f" and {len(groups) - 10} more" if len(groups) > 10 else ""
    also = f" with groups {', '.join(map(str, groups[:10]))}{more}" if groups else ""
    return f"{answer.uid}:{answer.gid}{also}"


def _evidence(runtime: Runtime, answer: Identity | StartError) -> Evidence:
    return {"runtime": NAMES[runtime], "identity": _shown(answer)}


def _fix(facts: ImageFacts, reading: Reading, docker: Identity, said: str) -> str:
    uid, gid = docker.uid, docker.gid
    prose = (
        f"{said} Say the group in the pod with `runAsGroup`, and set `supplementalGroupsPolicy: Strict` where groups "
        "of the image should not count."
    )
    lines = [f"USER {uid}:{gid}"]
    if reading.entry is None and uid:
        prose += " Or give the uid an account with that primary group."
        lines = [*create_account(base_family(facts), Account("app", uid, gid or uid, exists=False)), *lines]
    return advice(prose, lines, uid, gid)


RULE = Rule(
    id="NR111",
    slug="group-differs-on-kubernetes",
    title="Has other groups on Kubernetes",
    why="The CRI carries no group of an image, so on Kubernetes the group half of USER does nothing.",
    severity=Severity.LOW,
    references=(KUBERNETES_GROUPS, SECURITY_CONTEXT),
    violating=Example("On Kubernetes this is 10001:0", "FROM debian:12\nUSER 10001:10001\nCMD server"),
    fine=Example(
        "The account has that primary group",
        "FROM debian:12\nRUN useradd --uid 10001 --user-group app\nUSER 10001:10001\nCMD server",
    ),
    check=check,
    decided=(
        "Only for a USER with a group half that Docker starts. kubelet sends the user half alone; the gid then comes "
        "from the uid's line in the image's `/etc/passwd`, or is 0, and every group of `/etc/group` that lists the "
        "account counts, which Docker leaves out when a group is named. Compared are the gid and the supplementary "
        "groups on Docker with those on Kubernetes, once with containerd and once with CRI-O, for a pod without "
        "`runAsGroup`."
    ),
)
