"""Two teams that must not see each other, in one database: everything a page can show exists for both.

Each has a registry of its own and repositories in one that both use; they share a passing image, as teams share bases.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta

from compliance.access import TeamRole
from compliance.models import (
    Channel,
    DailySnapshot,
    Finding,
    Image,
    InboundEvent,
    Index,
    OwnershipRule,
    PolicyAssignment,
    Registry,
    Repository,
    Scan,
    Tag,
    TagChange,
    Team,
    User,
    Waiver,
)
from scanner.domain.declared_base import DeclaredBase
from tests.support.facts import facts, remapped
from tests.support.hooks import Hook, delivered
from tests.support.remediation import finding, own, team
from tests.support.rows import NOW, image, index, policy_version, registry, scan, tag_row, user

MANY = 60
"""Repositories of the second tenant: more than a page holds."""


@dataclass(frozen=True, slots=True)
class Tenant:
    """One team with all that is theirs; ``canaries`` are texts that only their data holds."""

    team: Team
    people: Mapping[str, User]
    registry: Registry
    repositories: list[Repository]
    tag: Tag
    image: Image
    index: Index
    scan: Scan
    delivery: InboundEvent
    finding: Finding
    waiver: Waiver
    assignment: PolicyAssignment
    rule: OwnershipRule
    channel: Channel
    canaries: frozenset[str]


def tenant(name: str, shared: Registry, number: int, *, repositories: int = 3) -> Tenant:
    """Make one; ``number`` tells its digests from those of others."""
    low = name.lower()
    home = registry(f"{name} Harbor", slug=f"{low}-harbor")
    people = {str(role): user(f"{role}-{low}", role="member") for role in TeamRole}
    crew = team(f"{name} crew", **people)
    rows = [_repository(home, f"{low}/app-{at:03d}") for at in range(repositories)]
    rows.append(_repository(shared, f"{low}/mobile"))
    own(crew, rows)
    based = replace(remapped(), annotated_base=DeclaredBase(f"registry.example/{low}/base:1"))
    fine, root = image(facts("1001:1001"), 901), image(based, number)
    both = index(number + 1, [fine, root])
    tags = [tag for row in rows for tag in _tags(row, low, fine, root, both)]
    told = finding(rows[0], "NR103", tags=[tags[1]], subject=f"{low}-user", assignee=people["triager"], base=root.base)
    Hook(home)
    found = scan(home, rows[:-1])
    return Tenant(
        crew,
        people,
        home,
        rows,
        tags[1],
        root,
        both,
        found,
        delivered(home, "1", scan=found, repository=rows[0].name),
        told,
        _waiver(name, crew, people["lead"]),
        _assignment(home, low),
        OwnershipRule.objects.create(position=number, registry=home, pattern=f"{low}/*", team=crew),
        _channel(low, crew),
        frozenset({f"{low}/", home.name, home.slug, f"{low}-tag", f"{low}-user", crew.name, crew.slug, root.digest}),
    )


def _repository(home: Registry, name: str) -> Repository:
    return Repository.objects.create(
        registry=home,
        policy=home.policy,
        name=name,
        first_seen_at=NOW - timedelta(days=40),
        scanned_at=NOW - timedelta(hours=1),
        pushed_at=NOW - timedelta(days=3),
        tags_total=3,
        passed=1,
        failed=2,
        score=50,
        grade="D",
        verdict="fail",
        failing_since=NOW - timedelta(days=3),
    )


def _tags(row: Repository, low: str, fine: Image, root: Image, both: Index) -> list[Tag]:
    of_index = {"image": None, "index": both, "digest": both.digest}
    made = Tag.objects.bulk_create(
        [
            tag_row(row, f"{low}-tag-fine", fine),
            tag_row(row, f"{low}-tag-root", root),
            tag_row(row, f"{low}-tag-both", root, **of_index),
        ]
    )
    TagChange.objects.create(
        repository=row,
        tag=made[1],
        kind=TagChange.Kind.MOVED,
        at=NOW - timedelta(days=3),
        from_digest=fine.digest,
        to_digest=root.digest,
        was="pass",
        became="fail",
    )
    DailySnapshot.objects.bulk_create(
        DailySnapshot(
            repository=row,
            day=NOW.date() - timedelta(days=back),
            policy_version=policy_version(),
            evaluated=3,
            passed=1,
            failed=2,
            unknown=0,
            not_applicable=0,
            new=back,
            score=50,
            closed=back > 0,
        )
        for back in range(5)
    )
    return made


def _waiver(name: str, crew: Team, lead: User) -> Waiver:
    return Waiver.objects.create(
        title=f"{name.lower()}/ waits for its vendor",
        rule="NR105",
        team=crew,
        reason="vendor",
        explanation="The vendor's image.",
        owner=lead,
        created_by=lead,
        created_at=NOW - timedelta(days=1),
        expires_at=NOW + timedelta(days=30),
    )


def _channel(low: str, crew: Team) -> Channel:
    return Channel.objects.create(
        kind="slack",
        name=f"{low}/chat",
        team=crew,
        target=f"https://chat.example/{low}",
        host="chat.example",
        created_at=NOW,
    )


def _assignment(home: Registry, low: str) -> PolicyAssignment:
    strict = policy_version("strict").policy
    return PolicyAssignment.objects.create(
        registry=home, pattern=f"{low}/nothing-*", policy=strict, position=1, created_at=NOW
    )


KINDS: Mapping[str, Callable[[Tenant], Mapping[str, object]]] = {
    "": lambda _: {},
    "channel": lambda t: {"channel_id": t.channel.pk},
    "assignment": lambda t: {"name": "strict", "assignment": t.assignment.pk},
    "delivery": lambda t: {"event_id": t.delivery.pk},
    "finding": lambda t: {"finding_id": t.finding.pk},
    "member": lambda t: {"slug": t.team.slug, "person": t.people["triager"].pk},
    "ownership": lambda t: {"rule": t.rule.pk},
    "person": lambda t: {"person": t.people["viewer"].pk},
    "image": lambda t: {"digest": t.image.digest},
    "index": lambda t: {"digest": t.index.digest},
    "policy": lambda _: {"name": "kubernetes"},
    "registry": lambda t: {"slug": t.registry.slug},
    "repository": lambda t: {"slug": t.registry.slug, "name": t.repositories[0].name},
    "rule": lambda _: {"rule_id": "NR103"},
    "scan": lambda t: {"scan_id": t.scan.pk},
    "tag": lambda t: {"slug": t.registry.slug, "name": t.repositories[0].name, "tag": t.tag.name},
    "team": lambda t: {"slug": t.team.slug},
    "waiver": lambda t: {"waiver_id": t.waiver.pk},
}
"""What an address is about, and how its parts are filled in for a tenant; a new kind is one line."""

OWNED = frozenset({"channel", "finding", "image", "index", "member", "repository", "tag", "team", "waiver"})
"""Kinds of things that belong to a team: to others they do not exist."""
