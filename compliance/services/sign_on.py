"""Let somebody in whom the provider has proved, and bring what their groups give them in line, in one transaction.

An account is found by issuer and subject, and by nothing else: whoever can have the provider say a mail address or a
name of somebody else must not get that person's account.
"""

from __future__ import annotations

from datetime import datetime
from itertools import count
from typing import Final

from allauth.socialaccount.models import SocialAccount
from django.db import connection, transaction
from django.db.models import Q

from compliance.access import Role, TeamRole
from compliance.models import AuditAction, GroupGrant, Membership, RoleChoice, Team, User
from compliance.policy.group_map import Grant, Held, bring_in_line
from compliance.policy.sign_on import Identity, SignOnRefused
from compliance.services.end_sessions import end_sessions
from compliance.services.record_audit import audit
from compliance.services.save_person import LastAdministrator, hold_beside_administrators, keep_an_administrator

_LOCK: Final = 7_021_057
_LONGEST_STEM: Final = 140


def sign_on(identity: Identity, *, now: datetime) -> User:
    """The account of whoever came; made where it is their first time and one of their groups is in the map.

    :raises SignOnRefused: ``inactive``, ``unmapped``; nothing is written then.
    """
    with transaction.atomic():
        _one_at_a_time()
        grants = list(GroupGrant.objects.filter(group__in=identity.groups).order_by("group", "pk"))
        account = account_of(identity)
        if account is None and not grants:
            raise SignOnRefused("unmapped")
        account = account or _connect(_make(identity, now), identity, by=None, now=now)
        account.extra_data = _kept(identity)
        account.save(update_fields=["extra_data", "last_login"])
        person = _bring_in_line(account.user_id, grants, now)
    return person


def connect(person: User, identity: Identity, *, now: datetime) -> None:
    """Let somebody come by single sign-on from now on; their groups count when they do.

    :raises SignOnRefused: ``taken``.
    """
    with transaction.atomic():
        _one_at_a_time()
        account = account_of(identity)
        if account is not None and account.user_id != person.pk:
            raise SignOnRefused("taken")
        others = SocialAccount.objects.filter(user=person).exclude(uid=identity.subject, provider=identity.issuer)
        if others.delete()[0]:
            audit(AuditAction.IDENTITY_REMOVED, person, by=person, now=now)
        if account is None:
            _connect(person, identity, by=person, now=now)


def disconnect(person: User, *, now: datetime) -> bool:
    """Let somebody in by the password alone, if they have one; whether they were connected."""
    with transaction.atomic():
        _one_at_a_time()
        rows = SocialAccount.objects.filter(user=person)
        if not person.has_usable_password() or not rows.exists():
            return False
        rows.delete()
        audit(AuditAction.IDENTITY_REMOVED, person, by=person, now=now)
    return True


def account_of(identity: Identity) -> SocialAccount | None:
    """Who it is."""
    rows = SocialAccount.objects.select_related("user")
    found: SocialAccount | None = rows.filter(provider=identity.issuer, uid=identity.subject).first()
    return found


def _one_at_a_time() -> None:
    # Two first logins of one person at one moment must not be two accounts, nor two people one username.
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_LOCK])


def _kept(identity: Identity) -> dict[str, object]:
    """What is known of the last time; no token is."""
    return {"groups": sorted(identity.groups)}


def _make(identity: Identity, now: datetime) -> User:
    taken = identity.email and User.objects.filter(email__iexact=identity.email).exists()
    person = User(
        username=_free_username(identity.username or "person"),
        email="" if taken else identity.email,
        first_name=identity.first_name,
        last_name=identity.last_name,
        date_joined=now,
    )
    person.set_unusable_password()
    person.save()
    return person


def _free_username(wanted: str) -> str:
    """Nobody's name yet, whatever its capitals: two that differ in those only would be taken for one another."""
    stem = wanted[:_LONGEST_STEM]
    near = User.objects.filter(username__istartswith=stem).values_list("username", flat=True)
    taken = {name.lower() for name in near}
    return next(name for at in count(1) if (name := stem if at == 1 else f"{stem}-{at}").lower() not in taken)


def _connect(person: User, identity: Identity, *, by: User | None, now: datetime) -> SocialAccount:
    audit(AuditAction.IDENTITY_ADDED, person, by=by, now=now, details={"issuer": identity.issuer})
    found: SocialAccount = SocialAccount.objects.create(
        user=person, provider=identity.issuer, uid=identity.subject, extra_data=_kept(identity)
    )
    return found


def _bring_in_line(pk: int, grants: list[GroupGrant], now: datetime) -> User:
    """Write what the groups give; the last administrator stays one, and that is written down."""
    person = next(each for each in hold_beside_administrators(pk) if each.pk == pk)
    if not person.is_active:
        raise SignOnRefused("inactive")
    there = _hold_teams(person, grants)
    rows = Membership.objects.filter(user=person)
    turn = bring_in_line(
        (Grant(each.group, each.team_id, _role(each)) for each in grants if each.team_id in there),
        {row.team_id: Held(TeamRole(row.role), row.group) for row in rows},
        Held(Role(person.role), person.role_group),
    )
    rows.filter(team__in=turn.ended).delete()
    for team, given in turn.members.items():
        values = {"role": given.role.value, "group": given.group}
        Membership.objects.update_or_create(team_id=team, user=person, defaults=values)
    if turn.role is not None:
        _give_role(person, turn.role, now)
    return person


def _hold_teams(person: User, grants: list[GroupGrant]) -> set[int | None]:
    """The teams that are there, and for what counts everywhere none; nobody else changes their members meanwhile."""
    wanted = Q(pk__in=[each.team_id for each in grants]) | Q(memberships__user=person)
    ids = Team.objects.filter(wanted).values("pk")
    held = Team.objects.filter(pk__in=ids).order_by("pk").select_for_update()
    return {None, *held.values_list("pk", flat=True)}


def _role(grant: GroupGrant) -> TeamRole | Role:
    return Role(grant.role) if grant.team_id is None else TeamRole(grant.role)


def _give_role(person: User, given: Held, now: datetime) -> None:
    before = person.role
    if before == RoleChoice.ADMIN and given.role is not Role.ADMIN:
        try:
            keep_an_administrator(person)
        except LastAdministrator:
            audit(AuditAction.ROLE_KEPT, person, by=None, now=now, details={"given": given.role.value})
            return
    person.role, person.role_group = given.role.value, given.group
    person.save(update_fields=["role", "role_group"])
    if person.role != before:
        end_sessions(person, by=None, now=now)
