"""Images under a policy version, as rows ready to be written."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from compliance.models import Evaluation, Image, PolicyVersion
from compliance.policy.document import read_policy
from compliance.services.record_problem import allowed_by_limit, problem_columns
from scanner.domain.facts import ImageFacts
from scanner.domain.identity import StartError
from scanner.domain.policy import Policy
from scanner.domain.printable import printable
from scanner.domain.problems import ImageProblem, ScanProblem
from scanner.domain.reading import read
from scanner.domain.reference import Digest
from scanner.domain.verdict import Judgement, Outcome
from scanner.judge import judge, not_applicable_judgement, unknown_judgement
from scanner.report import dump_results
from scanner.storage import UnreadableFacts, dump_facts, load_facts

_DOES_NOT_START = "does not start"
_BATCH = 200

UNIQUE_EVALUATION = ("image", "policy_version")


@dataclass(frozen=True, slots=True)
class ImageRead:
    """What one manifest turned out to be; exactly one of ``facts``, ``artifact`` and ``problem`` is set.

    :param config: ``Image.config_document``.
    """

    digest: Digest
    facts: ImageFacts | None = None
    artifact: str = ""
    platform: str = ""
    problem: ScanProblem | None = None
    config: bytes | None = None


def image_row(image: ImageRead, *, now: datetime) -> Image:
    """Make an unsaved row; what comes from the image is made printable, since Postgres refuses NUL."""
    row = Image(
        digest=image.digest,
        artifact=printable(image.artifact, longest=60),
        platform=printable(image.platform, longest=100),
        first_seen_at=now,
        config_document=image.config,
        problem_allowed=allowed_by_limit(image.problem),
        **problem_columns(image.problem),
    )
    if image.facts is not None:
        _add_facts(row, image.facts)
    return row


def evaluation_row(image_id: int, version: PolicyVersion, judgement: Judgement, *, now: datetime) -> Evaluation:
    """Make an unsaved row."""
    return Evaluation(
        image_id=image_id,
        policy_version=version,
        verdict=judgement.verdict.value,
        score=judgement.score,
        failed_on=list(judgement.failed_on),
        violated=[result.rule for result in judgement.results if result.outcome is Outcome.VIOLATED],
        results=dump_results(judgement),
        evaluated_at=now,
    )


def judge_stored(image_ids: Iterable[int], version: PolicyVersion, *, now: datetime) -> Iterator[Evaluation]:
    """Judge images from what is stored, without a registry."""
    policy = read_policy(version.document)
    columns = ("pk", "facts", "artifact", "problem_code", "problem_message", "problem_remedy")
    wanted = list(image_ids)
    for start in range(0, len(wanted), _BATCH):
        rows = Image.objects.filter(pk__in=wanted[start : start + _BATCH]).values(*columns)
        for row in rows:
            yield evaluation_row(row["pk"], version, _judgement(row, policy), now=now)


def _judgement(row: Mapping[str, object], policy: Policy) -> Judgement:
    if row["artifact"]:
        return not_applicable_judgement(_with_article(str(row["artifact"])))
    if row["problem_code"]:
        message, remedy = str(row["problem_message"]), str(row["problem_remedy"])
        return unknown_judgement(ImageProblem(str(row["problem_code"]), message, remedy=remedy))
    facts = row["facts"]
    if not isinstance(facts, bytes | memoryview):
        raise TypeError("an image without facts, kind or problem; the table's constraint forbids it")
    try:
        return judge(load_facts(bytes(facts)), policy)
    except UnreadableFacts as error:
        return unknown_judgement(
            ImageProblem(
                "unreadable-facts", str(error), remedy="Scan again with the version that wrote them, or newer."
            )
        )


def _add_facts(row: Image, facts: ImageFacts) -> None:
    row.config_digest = facts.config_digest
    row.platform = printable(str(facts.config.platform), longest=100)
    row.facts = dump_facts(facts)
    row.size = facts.manifest_size
    row.built_at = facts.config.created
    row.declared_user = printable(facts.config.user)
    answer = read(facts).answer
    if isinstance(answer, StartError):
        row.runs_as = _DOES_NOT_START
    else:
        row.uid, row.gid = answer.uid, answer.gid
        row.runs_as = f"{answer.uid}:{answer.gid}"


def _with_article(kind: str) -> str:
    return f"an {kind}" if kind.startswith(("a", "e", "i", "o", "SBOM")) else f"a {kind}"
