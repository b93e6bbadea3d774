"""A site with something of everything, for looking at pages: full lists, every state, the longest names."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from django.urls import reverse

from compliance.models import (
    Channel,
    DailySnapshot,
    Delivery,
    DeliveryAttempt,
    Finding,
    FindingEvent,
    GroupGrant,
    LabelSet,
    Membership,
    Policy,
    Push,
    Registry,
    RegistryState,
    Rejudging,
    Repository,
    RepositoryScan,
    SavedView,
    Scan,
    State,
    TagChange,
    Team,
    User,
    ViewMail,
    Waiver,
    WebhookEndpoint,
)
from compliance.remediation.metrics import Span
from compliance.remediation.notices import Kind
from compliance.remediation.status import Resolution
from compliance.services.assign_policies import assign_policy
from compliance.services.ownership_rules import add_rule
from compliance.services.save_policy import save_policy
from compliance.services.seal_audit import seal_audit
from tests.support.channels import channel, delivery, notice
from tests.support.facts import facts
from tests.support.hooks import delivered
from tests.support.remediation import finding_row, findings, join, own, team
from tests.support.rows import (
    HOSTILE,
    NOW,
    Fleet,
    artifact,
    fleet,
    image,
    index,
    never_scanned,
    registry,
    scan,
    tag_row,
    unreadable,
    user,
)
from tests.support.spans import ago, store
from tests.support.tenants import Tenant, tenant

LABELS = {
    "org.opencontainers.image.source": "https://git.example/payments/checkout-service-with-a-long-name",
    "org.opencontainers.image.vendor": "Example Corporation",
    "maintainer": "payments@example.org",
    "com.example.tier": "one",
}
LONG = "/".join(["abcdefghijklmnopqrstuvwxyz0123456789"] * 7)[:255]
"""The longest name of a repository, with hardly a place to break it."""


@dataclass(frozen=True, slots=True)
class Site:
    """What was made: ``tenant`` has one of everything that an address can be about; ``more``: further addresses."""

    tenant: Tenant
    more: list[str]


def furnish(boss: User) -> Site:
    """Make it all; ``boss`` has channels and findings too."""
    made = fleet(6)
    found = tenant("Alpha", registry("Shared"), 910, repositories=3)
    more = [*operate(made), *regulate(made), *overdo(made), *people(made)]
    more += [*work(made, found, boss), *waive(found, boss), *tell(found, boss)]
    seal_audit(NOW)
    return Site(found, more)


def operate(made: Fleet) -> list[str]:
    """Registries in trouble, scans in every state, pushes that were and were not understood."""
    home = made.registry
    told = {"pause_code": "rate-limited", "pause_message": "The registry answered 429.", "pause_remedy": "Wait."}
    quota = {"quota_limit": 200, "quota_remaining": 31, "quota_window_seconds": 21_600, "quota_at": NOW}
    RegistryState.objects.create(registry=home, failures=6, paused_until=NOW + timedelta(minutes=7), **told, **quota)
    webhook = {"unannounced": 14, "unannounced_since": NOW, "rejected": 3, "rejected_at": NOW}
    WebhookEndpoint.objects.create(registry=home, product="harbor", key="k", secret="s", created_at=NOW, **webhook)
    where = {"environment": "pre-production_of_the_eastern"}
    changes = TagChange.objects.filter(repository__registry=home)
    changes.update(pusher=f"<b>{'kim' * 80}</b>", scan=made.scan)
    stored = {"username": "robot", "password": "p", "api_token": "t", "proxy": "http://p:1", "verify_tls": False}
    Registry.objects.filter(pk=home.pk).update(
        **where, **stored, cron="30 6 * * 1-5", time_zone="Asia/Tokyo", newest_tags=50
    )
    registry("Engine", url="docker-daemon:", product="docker-engine")
    broken = {"problem_code": "dns", "problem_message": "No such host.", "problem_remedy": "Correct the address."}
    registry("A registry with quite a long name", **broken)
    active = {"state": State.RUNNING, "finished_at": None, "tags_total": 1_903, "tags_done": 412, "new": 3}
    push = scan(home, made.repositories, partial=True, trigger=Scan.Trigger.WEBHOOK)
    RepositoryScan.objects.filter(scan=push).update(only_tags=["v1.2.3", "latest"])
    scans = [made.scan, push, scan(home, made.repositories, **active)]
    body = b'{"events": [{"action": "push", "target": {"digest": "sha256:0123456789", "size": 12}}]}'
    headers = {"authorization": "(not kept)", "user-agent": "registry/3 " * 20}
    full = delivered(home, "1.0", *map(str, range(70)), body=body * 50, headers=headers, scan=made.scan)
    Push.objects.update(pusher="robot$shop+builder-of-the-release")
    odd = {"reason": "unknown action 'wonder'", "replay_of": full, "remote_address": "203.0.113.7"}
    strange = delivered(home, outcome="quarantined", **odd)
    return [
        *(reverse("scan", args=[each.pk]) for each in scans),
        *(reverse("delivery", args=[each.pk]) for each in (full, strange)),
        *(reverse("registry", args=[slug]) for slug in ("harbor", "engine")),
        *(reverse("registry_webhook", args=[slug]) for slug in ("harbor", "engine")),
        *(reverse("registry_edit", args=[slug]) for slug in ("harbor", "engine")),
    ]


def regulate(made: Fleet) -> list[str]:
    """A second version whose judging again is under way, patterns on one registry and on all, a change in the trend."""
    policy = Policy.objects.select_related("current").get(name="kubernetes")
    first = policy.current
    assert first is not None
    setting = {"enabled": True, "fails": True, "severity": "low", "threshold": 500}
    document = {**first.document, "rules": {**first.document["rules"], "NR107": setting}}
    second = save_policy(policy, document, based_on=1, by=None, now=NOW, note="Hosts keep uids below 500.")
    assign_policy("team/app-0001", Policy.objects.get(name="strict"), registry=made.registry, by=None, now=NOW)
    assign_policy(f"{'long-name/' * 20}*", policy, registry=None, by=None, now=NOW)
    DailySnapshot.objects.filter(closed=False).update(policy_version=second)
    Rejudging.objects.filter(policy=policy).update(state=State.RUNNING, done=1, changed=2)
    return [reverse("policy", args=["strict"]), f"{reverse('policy_edit', args=['kubernetes'])}?from=1"]


def overdo(made: Fleet) -> list[str]:
    """The longest names, a hostile USER, an index of forty platforms, what is no image and what cannot be read."""
    home = made.repositories[-1]
    Repository.objects.filter(pk=home.pk).update(name=LONG)
    given = ([f"{'long-label/' * 3}{at:07}" for at in range(20)], ["pci", "tier/1"])
    LabelSet.objects.bulk_create(
        LabelSet(repository=row, labels=labels) for row, labels in zip((home, made.repositories[0]), given, strict=True)
    )
    evil = image(facts("evil\x1b[31m\u202e" + "u" * 290 + ":" + "g" * 20), 7_001)
    many = [image(facts(str(number)), 8_000 + number) for number in range(12)]
    forty = index(9_000, many)
    strip = [
        {"platform": f"linux/arch{at}", "digest": each.digest, "verdict": "fail", "runs_as": f"{at}:{at}"}
        for at, each in enumerate(many)
    ]
    long = tag_row(home, "t" * 128, evil)
    long.save()
    tag_row(home, "forty", many[0], image=None, index=forty, digest=forty.digest, platforms=strip).save()
    row = findings([finding_row(home, subject="u" * 200, status="open", protected=True)])[0]
    push = delivered(made.registry, "t" * 128, reason="r" * 500, headers={"h" * 100: "v" * 500}, repository=LONG)
    digests = (made.passing.digest, forty.digest, evil.digest, unreadable(7).digest, artifact(8).digest)
    return [
        *(reverse("image", args=[digest]) for digest in digests),
        reverse("repository", args=["harbor", LONG]),
        *(reverse("tag", args=["harbor", LONG, name]) for name in ("forty", long.name)),
        reverse("finding", args=[row.pk]),
        reverse("delivery", args=[push.pk]),
    ]


def people(made: Fleet) -> list[str]:
    """Teams with and without members, somebody who may not log in, rules of ownership, repositories nobody owns."""
    long, payments = team("T" * 60), team("Payments")
    Team.objects.filter(pk=long.pk).update(name="T" * 100, description="d" * 300)
    Team.objects.filter(pk=payments.pk).update(description="Checkout, invoices, refunds.")
    lea = user("lea", role="member")
    User.objects.filter(pk=lea.pk).update(first_name="Lea", last_name="Lindström", email="lea@example.org")
    tim, vic, gone = (user(name, role="member") for name in ("tim", "v" * 150, "gone"))
    for somebody, role in ((lea, "lead"), (tim, "triager"), (vic, "viewer"), (gone, "viewer")):
        join(payments, somebody, role)
    User.objects.filter(pk=gone.pk).update(is_active=False)
    for at in range(5):
        join(team(f"Team {at:02d}", lead=lea), tim, "viewer")
    add_rule(long, "team/app-000?", now=NOW)
    add_rule(payments, "https://git.example/payments/*", label="org.opencontainers.image.source", now=NOW)
    add_rule(payments, "team/app-0001", registry=made.registry, now=NOW)
    GroupGrant.objects.create(group="/staff/" + "g" * 193, team=long, role="lead")
    GroupGrant.objects.create(group="admins", role="admin")
    Membership.objects.filter(team=payments, user=vic).update(group="g" * 200)
    orphans = Repository.objects.filter(name__in=["team/app-0004", "team/app-0005"])
    orphans.update(team=None, team_rule=None, team_pinned=True, labels=LABELS)
    for at in range(3):
        never_scanned(made.registry, f"a-group/with-a-rather-long-path/and-a-name-{at}")
    return [
        *(reverse("team", args=[each.slug]) for each in (long, payments)),
        *(reverse("team_members", args=[each.slug]) for each in (long, payments)),
        *(reverse("person", args=[each.pk]) for each in (lea, vic, gone)),
        reverse("repository", args=["harbor", "team/app-0004"]),
        reverse("repository", args=["harbor", "a-group/with-a-rather-long-path/and-a-name-0"]),
    ]


def work(made: Fleet, found: Tenant, boss: User) -> list[str]:
    """Findings in every state and of every age, some worked on; a year of episodes."""
    own(found.team, made.repositories[:2])
    states = ("new", "open", "in_progress", "fix_claimed", "regressed", "waived", "false_positive", "fixed")
    rows = findings(
        finding_row(
            repository,
            f"NR{101 + at % 5}",
            subject=f"user-{at:02d}",
            rank=at % 5,
            status=(status := states[at % len(states)]),
            regression=status == "regressed",
            protected=at % 3 == 0,
            due_at=(NOW - timedelta(days=at), NOW + timedelta(days=at), None)[at % 3],
            closed_at=NOW - timedelta(days=at % 9) if status == "fixed" else None,
            resolution=Resolution.PROVED if status == "fixed" else Resolution.NONE,
            assignee=(boss, found.people["triager"], None)[at % 3],
        )
        for at in range(8)
        for repository in made.repositories[:2]
    )
    spans = [Span(at, ago(300 - 2 * at), ago(200 - at), Resolution.PROVED, due_at=ago(250)) for at in range(12)]
    store(spans, made.repositories[0])
    Finding.objects.filter(pk=found.finding.pk).update(status="regressed", regression=True)
    FindingEvent.objects.bulk_create(
        FindingEvent(finding=found.finding, at=NOW, by=boss, kind=FindingEvent.Kind.COMMENT, text=text)
        for text in ("One.\nTwo.", HOSTILE, "long" * 200)
    )
    return [reverse("finding", args=[row.pk]) for row in rows[::2]]


def waive(found: Tenant, boss: User) -> list[str]:
    """Waivers that count, wait, end soon, have ended and were revoked."""
    lead = found.people["lead"]
    shapes: tuple[dict[str, object], ...] = (
        {"title": "w" * 150, "explanation": "e" * 900, "control": "c" * 400, "repository_pattern": LONG},
        {"title": "Approved", "approver": boss, "approved_at": ago(1), "digest": found.image.digest},
        {"title": "Ends soon", "approver": boss, "approved_at": ago(1), "expires_at": ago(-2)},
        {"title": "Has ended", "approver": boss, "approved_at": ago(9), "expires_at": ago(1)},
        {"title": "Revoked", "revoked_at": ago(0.5), "revoked_by": boss},
    )
    columns = {"rule": "NR103", "team": found.team, "reason": "vendor", "explanation": "Theirs.", "owner": lead}
    dates = {"created_by": lead, "created_at": ago(10), "expires_at": ago(-30)}
    made = Waiver.objects.bulk_create(Waiver(**{**columns, **dates, **shape}) for shape in shapes)
    Finding.objects.filter(status="waived").update(waiver=made[1])
    return [
        *(reverse("waiver", args=[each.pk]) for each in made),
        f"{reverse('waiver_new')}?finding={found.finding.pk}",
        f"{reverse('waiver_new')}?renews={made[1].pk}",
        f"{reverse('waiver_covered')}?rule=NR103",
    ]


def tell(found: Tenant, boss: User) -> list[str]:
    """Channels of each kind, one that is broken, with what was and was not sent."""
    Membership.objects.get_or_create(team=found.team, user=boss, role="lead")
    mine = channel(boss, *Kind, name="n" * 100, host="h" * 300)
    off = channel(boss, Kind.DIGEST, kind="mail", name="Mail", host="b…@example.org", enabled=False)
    post = channel(boss, kind="mail", name="p" * 100, host="b…@example.org")
    for at, to in enumerate((off, post, post, None)):
        view = SavedView.objects.create(name=f"{at}{'v' * 79}", query=f"q={'w' * 90}{at}&severity=high", by=boss)
        if to is not None:
            ViewMail.objects.create(channel=to, view=view, name=view.name, since=NOW, told_at=NOW if at == 1 else None)
    ViewMail.objects.create(channel=post, name="Deleted " * 10, since=NOW)
    ours = Channel.objects.get(pk=found.channel.pk)
    Channel.objects.filter(pk=ours.pk).update(problem="Nobody answers at this address.", problem_at=NOW)
    states = [state for state in Delivery.State for _ in range(3)]
    for at, state in enumerate(states):
        row = delivery(ours, notice(found.repositories[0], key=f"critical/{at}"))
        Delivery.objects.filter(pk=row.pk).update(state=state)
        words = "The server answered that it does not know this address. " * 3
        DeliveryAttempt.objects.create(delivery=row, at=NOW, ok=False, status=404, milliseconds=1_204, words=words)
    return [reverse("channel", args=[mine.pk])]
