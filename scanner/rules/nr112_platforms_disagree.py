"""NR112: the platforms of one index are not the same image."""

from __future__ import annotations

import re
from collections.abc import Sequence

from scanner.domain.citations import MULTI_PLATFORM, OCI_INDEX
from scanner.domain.facts import ImageFacts
from scanner.domain.printable import printable, quoted
from scanner.domain.rule import Example, Finding, PlatformSummary, Rule, not_applicable, ok, unknown
from scanner.domain.verdict import Evidence, Outcome, Severity, Verdict

_SHOWN = 20
_PLAIN = re.compile(r"[a-z0-9]+(?:/[a-z0-9.]+)*", re.ASCII)
_IDS = re.compile(r"[0-9]+:[0-9]+(?: groups [0-9,]+)?", re.ASCII)
_ANSWERS = {Verdict.PASS: "pass", Verdict.FAIL: "fail", Verdict.UNKNOWN: "unknown"}

_FIX = """\
Build every platform from the same Dockerfile and the same base, in one go, and push the index once:

```
docker buildx build --platform linux/amd64,linux/arm64 --tag REGISTRY/REPOSITORY:TAG --push .
```

Where one platform has a base of its own, write the ids out for all of them:

```dockerfile
USER 10001:10001
```"""


def check(_facts: ImageFacts, _: int | None = None) -> Finding:
    """One image has nothing to be compared with."""
    return not_applicable("Only an index has platforms to compare.")


def across(platforms: Sequence[PlatformSummary]) -> Finding:
    """Different verdicts, or different identities, among the platforms that can run."""
    running = [platform for platform in platforms if platform.verdict is not Verdict.NOT_APPLICABLE]
    if len(running) < 2:
        return ok("There is one platform that can run.")
    identities = dict.fromkeys(platform.identity for platform in running if platform.identity)
    verdicts = {platform.verdict for platform in running} - {Verdict.UNKNOWN}
    # What two platforms are known to disagree on stays true, whatever a third one turns out to be.
    if len(identities) > 1 or len(verdicts) > 1:
        evidence = tuple(_evidence(platform) for platform in running[:_SHOWN])
        return Finding(Outcome.VIOLATED, _said(running), evidence, f"{_said(running)}\n\n{_FIX}")
    unread = [platform for platform in running if platform.verdict is Verdict.UNKNOWN or not platform.identity]
    if unread:
        names = ", ".join(_name(platform) for platform in unread[:_SHOWN])
        return unknown(f"Nothing can be said of {names}, so the platforms cannot be compared.")
    return ok()


def _said(running: Sequence[PlatformSummary]) -> str:
    """One sentence, platforms that are alike taken together."""
    alike: dict[tuple[str, Verdict], list[str]] = {}
    for platform in running[:_SHOWN]:
        alike.setdefault((platform.identity, platform.verdict), []).append(_name(platform))
    parts = (
        f"{', '.join(names)} {_starts_as(identity)} ({_ANSWERS[verdict]})"
        for (identity, verdict), names in alike.items()
    )
    return f"The platforms of this index differ: {'; '.join(parts)}."


def _starts_as(identity: str) -> str:
    if not identity:
        return "could not be read"
    return f"starts as {identity}" if _IDS.fullmatch(identity) else f"says {quoted(identity)}"


def _name(platform: PlatformSummary) -> str:
    # An index is anybody's text; what is not plain is quoted, so that no Markdown comes of it.
    return platform.platform if _PLAIN.fullmatch(platform.platform) else quoted(platform.platform)


def _evidence(platform: PlatformSummary) -> Evidence:
    return {
        "platform": printable(platform.platform, longest=100),
        "digest": platform.digest,
        "identity": printable(platform.identity, longest=200),
        "verdict": platform.verdict.value,
    }


RULE = Rule(
    id="NR112",
    slug="platforms-disagree",
    title="Platforms of one tag start as different users",
    why="Whoever pulls the tag on another kind of machine gets another user than the one somebody looked at.",
    severity=Severity.HIGH,
    references=(OCI_INDEX, MULTI_PLATFORM),
    violating=Example(
        "A base that is root on one platform only",
        "# linux/amd64\nFROM debian:12\nUSER 10001:10001\nCMD server\n\n# linux/arm64\nFROM debian:12\nCMD server",
    ),
    fine=Example("The same ids for every platform", "# both platforms\nFROM debian:12\nUSER 10001:10001\nCMD server"),
    check=check,
    decided=(
        "An index leads to one image for each platform. Their verdicts are compared, and uid, gid and groups as Docker "
        "starts them. Attestations and other things that cannot run are left out. A platform that could not be read "
        "makes the answer unknown, unless two others disagree already. It is a finding of the tag, not of one image."
    ),
    across=across,
)
