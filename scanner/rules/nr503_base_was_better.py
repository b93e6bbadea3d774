"""NR503: the base had a number that was not root, and the image put something worse over it."""

from __future__ import annotations

from scanner.domain.build_commands import BuildStep, declared_user, step_evidence, steps
from scanner.domain.citations import DL3002, DL3066, DOCKERFILE_USER, NIST_800_190, WHAT_USER
from scanner.domain.evidence import declared
from scanner.domain.facts import ImageFacts
from scanner.domain.fixes import advice
from scanner.domain.printable import quoted
from scanner.domain.reading import Kind, half, read
from scanner.domain.rule import Example, Finding, Rule, not_applicable, ok
from scanner.domain.user_spec import go_text, split_user
from scanner.domain.verdict import Outcome, Severity


def check(facts: ImageFacts, _: int | None = None) -> Finding:
    """The config's USER is root or a name, and history has an earlier one that was neither."""
    if not facts.config.history:
        return not_applicable("The image has no history.")
    reading = read(facts)
    if reading.user.kind is Kind.NUMBER and not reading.is_root:
        return ok()
    said = [(step, user) for step in steps(facts) if (user := declared_user(step.created_by)) is not None]
    better = [(step, user) for step, user in said if _is_better(user)]
    if not better:
        return ok()
    step, user = better[-1]
    now = "root" if reading.is_root else f"the name {quoted(reading.user.text)}"
    if reading.user.kind is Kind.OUT_OF_RANGE:
        now = f"{quoted(reading.user.text)}, which is out of range"
    reason = f"An earlier USER was {quoted(user)}, a number that is not root; now it is {now}."
    evidence = [step_evidence(facts, step, f"USER {user}"), declared(facts)]
    return Finding(Outcome.VIOLATED, reason, tuple(evidence), _fix(reason, step, user))


def _is_better(user: str) -> bool:
    found = half(split_user(go_text(user)).user)
    return found.kind is Kind.NUMBER and bool(found.number)


def _fix(reason: str, step: BuildStep, user: str) -> str:
    spec = split_user(go_text(user))
    uid = half(spec.user).number or 0
    group = half(spec.group)
    gid = group.number if group.kind is Kind.NUMBER and group.number is not None else uid
    prose = (
        f"{reason} It was set in step {step.position + 1} of history. `USER root` for a RUN is fine where the number "
        "comes back behind it; end with:"
    )
    return advice(prose, [f"USER {uid}:{gid}"], uid, gid)


RULE = Rule(
    id="NR503",
    slug="base-was-better",
    title="The base image had a better USER",
    why="Somebody had already done the work, and a later line of the Dockerfile undid it.",
    severity=Severity.MEDIUM,
    references=(WHAT_USER, DL3002, DL3066, NIST_800_190, DOCKERFILE_USER),
    violating=Example(
        "A name over a number",
        "# the base has USER 65532\nFROM registry.example/base:nonroot\nCOPY server /server\nUSER nonroot:nonroot",
    ),
    fine=Example(
        "Back to the number",
        "FROM registry.example/base:nonroot\nUSER root\nRUN install-things\nUSER 65532:65532",
    ),
    check=check,
    decided=(
        "USER instructions are read from history, as the legacy builder and BuildKit write them. The rule is violated "
        "when one of them was a number that is not 0 and the image's config now names root, or anything but a number. "
        "Root only for a while is fine. Identity itself comes from the config, never from history, so this never "
        "decides a verdict."
    ),
    decides=False,
)
