"""Rows for tests of pages: a small invented fleet whose totals add up, without a scan."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import cache

from django.contrib.auth.hashers import make_password

from compliance.models import (
    DailySnapshot,
    Evaluation,
    Image,
    Index,
    IndexImage,
    Policy,
    PolicyVersion,
    Registry,
    Repository,
    RepositoryScan,
    Scan,
    ScanError,
    State,
    Tag,
    TagChange,
    User,
)
from compliance.services.ask_images import ImageRead, image_row
from compliance.services.judge_images import evaluate
from compliance.services.publish_policies import publish_policies
from scanner.domain.facts import ImageFacts
from scanner.domain.problems import ImageProblem
from scanner.domain.reference import Digest
from tests.support.facts import digest, facts, remapped

NOW = datetime(2026, 3, 10, 12, 0, tzinfo=UTC)
PASSWORD = "a long enough password"
HOSTILE = """"><img src=x onerror=alert(1)><b hx-get="/x" hx-trigger="load">{{ 7|add:7 }}"""
"""Markup, an attribute break-out, an htmx attribute and template syntax in one string."""


@dataclass(frozen=True, slots=True)
class Fleet:
    """What ``fleet`` made."""

    registry: Registry
    repositories: list[Repository]
    tags: list[Tag]
    passing: Image
    failing: Image
    scan: Scan


def user(name: str = "sam", *, staff: bool = False, role: str = "security", time_zone: str = "UTC") -> User:
    """Somebody who can log in with ``PASSWORD``."""
    return User.objects.create(username=name, password=_hashed(), role="admin" if staff else role, time_zone=time_zone)


@cache
def _hashed() -> str:
    return make_password(PASSWORD)  # half a second by design; once is enough


def policy_version(name: str = "kubernetes") -> PolicyVersion:
    """The current version of a shipped policy."""
    publish_policies(NOW)
    version = Policy.objects.get(name=name).current
    assert version is not None
    return version


def registry(name: str = "Harbor", **columns: object) -> Registry:
    """A registry with an invented address."""
    version = policy_version()
    slug = name.lower().replace(" ", "-")
    values: dict[str, object] = {"name": name, "slug": slug, "url": f"https://{slug}.example", "created_at": NOW}
    return Registry.objects.create(**{**values, "policy": version.policy, **columns})


def image(found: ImageFacts, number: int, *, now: datetime = NOW) -> Image:
    """An image with facts, judged by every shipped policy; ``number`` makes its digest, which is one image for ever."""
    known = Image.objects.filter(digest=digest(number)).first()
    if known:
        return known
    found = replace(found, digest=digest(number))
    row = image_row(ImageRead(digest(number), facts=found), now=now)
    row.size = 12_345_678
    row.save()
    policy_version()
    for version in PolicyVersion.objects.exclude(current_of=None):
        evaluate(version, now=now)
    return row


def unreadable(number: int, message: str = "The tar archive ends too soon.") -> Image:
    """An image that could not be read."""
    problem = ImageProblem("bad-tar", message, remedy="Push the image again.")
    row = image_row(ImageRead(digest(number), problem=problem, platform="linux/amd64"), now=NOW)
    row.save()
    evaluate(policy_version(), now=NOW)
    return row


def artifact(number: int, kind: str = "Helm chart") -> Image:
    """Something that cannot run."""
    row = image_row(ImageRead(digest(number), artifact=kind), now=NOW)
    row.save()
    evaluate(policy_version(), now=NOW)
    return row


def index(number: int, images: Sequence[Image]) -> Index:
    """A manifest list."""
    media_type = "application/vnd.oci.image.index.v1+json"
    row = Index.objects.create(digest=digest(number), media_type=media_type, first_seen_at=NOW)
    for position, each in enumerate(images):
        IndexImage.objects.create(index=row, image=each, position=position, platform=f"linux/arch{position}")
    return row


def tag_row(repository: Repository, name: str, target: Image, **columns: object) -> Tag:
    """An unsaved tag that points to one image."""
    found = Evaluation.objects.get(outline=target.outline, policy_version=policy_version())
    strip = {"platform": "linux/amd64", "digest": target.digest, "verdict": found.verdict, "runs_as": target.runs_as}
    values: dict[str, object] = {
        "digest": target.digest,
        "image": target,
        "verdict": found.verdict,
        "score": found.score,
        "runs_as": target.runs_as,
        "platforms": [strip],
        "violated": found.violated,
        "size": target.size,
        "first_seen_at": NOW - timedelta(days=40),
        "moved_at": NOW - timedelta(days=3),
        "judged_at": NOW - timedelta(hours=1),
        "failing_since": NOW - timedelta(days=3) if found.verdict == "fail" else None,
    }
    return Tag(repository=repository, name=name, **{**values, **columns})


def fleet(repositories: int = 1, *, name: str = "Harbor") -> Fleet:
    """Repositories with one passing and one failing tag each, ten days of snapshots, a scan with an error."""
    home = registry(name)
    passing, failing = image(facts("1001:1001"), 901), image(remapped(), 902)
    rows = Repository.objects.bulk_create(_repository(home, f"team/app-{at:04d}") for at in range(repositories))
    tags = Tag.objects.bulk_create(
        tag_row(row, tag, target) for row in rows for tag, target in (("1.0", passing), ("latest", failing))
    )
    version = policy_version()
    DailySnapshot.objects.bulk_create(_snapshot(row, version, back) for row in rows for back in range(10))
    TagChange.objects.bulk_create(_change(tag) for tag in tags if tag.verdict == "fail")
    return Fleet(home, rows, tags, passing, failing, scan(home, rows))


def scan(home: Registry, rows: Sequence[Repository] = (), /, **columns: object) -> Scan:
    """A finished scan; errors in the first repositories."""
    values: dict[str, object] = {
        "trigger": Scan.Trigger.PAGE,
        "state": State.DONE,
        "requested_at": NOW - timedelta(hours=2),
        "started_at": NOW - timedelta(hours=2),
        "finished_at": NOW - timedelta(hours=1),
        "listed_at": NOW - timedelta(hours=2),
        "repositories_total": len(rows),
        "repositories_done": len(rows),
        "tags_total": 2 * len(rows),
        "tags_done": 2 * len(rows),
    }
    row = Scan.objects.create(registry=home, **{**values, **columns})
    RepositoryScan.objects.bulk_create(_part(row, each) for each in rows)
    ScanError.objects.bulk_create(
        ScanError(scan=row, repository=each, code="timeout", message="No answer in 30 s.", remedy="Wait.", at=NOW)
        for each in rows[:60]
    )
    return row


def _part(row: Scan, repository: Repository) -> RepositoryScan:
    moments = {"started_at": row.started_at, "finished_at": row.finished_at}
    return RepositoryScan(scan=row, repository=repository, state=row.state, tags_total=2, tags_done=2, **moments)


def never_scanned(home: Registry, name: str) -> Repository:
    """A repository that was listed and nothing more."""
    return Repository.objects.create(registry=home, policy=home.policy, name=name, first_seen_at=NOW)


def unknown_digest() -> Digest:
    """A digest nobody has."""
    return digest(999_999)


def _repository(home: Registry, name: str) -> Repository:
    return Repository(
        registry=home,
        policy=home.policy,
        name=name,
        first_seen_at=NOW - timedelta(days=40),
        scanned_at=NOW - timedelta(hours=1),
        pushed_at=NOW - timedelta(days=3),
        tags_total=2,
        passed=1,
        failed=1,
        score=50,
        grade="D",
        verdict="fail",
        failing_since=NOW - timedelta(days=3),
    )


def _snapshot(row: Repository, version: PolicyVersion, back: int) -> DailySnapshot:
    failed = 1 if back < 4 else 0
    return DailySnapshot(
        repository=row,
        day=NOW.date() - timedelta(days=back),
        policy_version=version,
        evaluated=2,
        passed=2 - failed,
        failed=failed,
        unknown=0,
        not_applicable=0,
        new=1 if back == 3 else 0,
        failed_protected=0,
        score=100 - 50 * failed,
        closed=back > 0,
    )


def _change(tag: Tag) -> TagChange:
    return TagChange(
        repository=tag.repository,
        tag=tag,
        kind=TagChange.Kind.MOVED,
        at=NOW - timedelta(days=3),
        from_digest=digest(901),
        to_digest=tag.digest,
        was="pass",
        became="fail",
    )
