"""What the container cannot do with the image's files, because it runs as somebody else than they were made for."""

from __future__ import annotations

from collections.abc import Iterator

from scanner.deployments.findings import Case, Finding
from scanner.domain.permissions import Access
from scanner.domain.printable import printable, quoted
from scanner.domain.verdict import Severity
from scanner.whatif import Consequences

_SHOWN = 3
_WORDS = {Access.READ: "read", Access.WRITE: "write", Access.EXECUTE: "execute"}


def files_out_of_reach(case: Case) -> Finding | None:
    """Files that the image's own user may use, and this one may not."""
    consequences, identity = _consequences(case), case.identity
    if consequences is None or identity is None:
        return None
    lost = list(_lost(case, consequences))
    if not lost:
        return None
    more = f", and {len(lost) - _SHOWN} more" if len(lost) > _SHOWN else ""
    own = f"uid {case.declared.uid}" if case.declared is not None else "another user"
    said = f"It runs as uid {identity.uid} with group {identity.gid}; the image was made for {own}."
    return case.found("files-out-of-reach", Severity.MEDIUM, f"{said} It cannot {'; '.join(lost[:_SHOWN])}{more}.")


def not_executed(case: Case) -> Finding | None:
    """The image's command, which this user may not execute. A command of the file's own is not looked at."""
    consequences = _consequences(case)
    program = consequences.program if consequences is not None else None
    if program is None or program.problem is None or case.container.own_command:
        return None
    said = f"It cannot execute the image's command {quoted(program.path)}."
    return case.found("not-executable", Severity.HIGH, said, words=printable(program.problem, longest=500))


def _consequences(case: Case) -> Consequences | None:
    return case.answer.consequences if case.answer is not None and not case.windows else None


def _lost(case: Case, consequences: Consequences) -> Iterator[str]:
    covered = tuple(mount.path.rstrip("/") for mount in case.container.mounts if mount.path)
    for use in consequences.paths:
        if use.lost and not _below(use.path, covered):
            yield f"{_verbs(use.lost)} {quoted(use.path)}"
    for loss in consequences.trees:
        if not _below(loss.path, covered):
            at_least = "" if loss.complete else "at least "
            examples = [example for found in loss.classes for example in found.examples][:1]
            such_as = f", such as {quoted(examples[0])}" if examples else ""
            kind = f"{loss.kind.value}{'' if loss.count == 1 else 's'}"
            yield f"{_verbs(loss.access)} {at_least}{loss.count} {kind} below {quoted(loss.path)}{such_as}"
    for path in consequences.privileges.stopped:
        yield f"execute {quoted(path)}, whose capabilities it may not have"


def _verbs(access: Access) -> str:
    return " or ".join(word for bit, word in _WORDS.items() if access & bit)


def _below(path: str, covered: tuple[str, ...]) -> bool:
    """Whether a volume lies over it."""
    return any(path == mount or path.startswith(f"{mount}/") for mount in covered)


CHECKS = (not_executed, files_out_of_reach)
