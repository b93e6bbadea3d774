"""The people of the invented company: teams, who is in them, what each team owns, and how they log in.

Nobody of them has a password until the story is played; then each who is to be tried out gets a random one, once.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from compliance.models import OwnershipRule, Registry, RoleChoice, Team, TeamRoleChoice, User
from compliance.services.change_members import set_member
from compliance.services.ownership_rules import add_rule
from compliance.services.save_person import create_person
from compliance.services.save_team import create_team


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody of the company.

    :param teams: the role in each team, by its name.
    :param tried: the person's login is printed, with ``what`` the person shows.
    """

    name: str
    first: str
    last: str
    role: str = RoleChoice.MEMBER
    teams: tuple[tuple[str, str], ...] = ()
    tried: bool = False
    what: str = ""


_LEAD, _TRIAGER, _VIEWER = TeamRoleChoice.LEAD, TeamRoleChoice.TRIAGER, TeamRoleChoice.VIEWER

TEAMS: Final = {
    "Payments": "Takes the money: api, ledger, fraud model",
    "Web": "The shop, its search and the mobile push relay",
    "Data": "Pipelines, notebooks and the recommender",
    "Platform": "What everybody else runs on",
}

PEOPLE: Final = (
    Person("nora", "Nora", "Lindqvist", RoleChoice.SECURITY, tried=True, what="security: sees and works on everything"),
    Person("otto", "Otto", "Brandt", RoleChoice.AUDITOR, tried=True, what="auditor: sees everything, changes nothing"),
    Person("ada", "Ada", "Okafor", teams=(("Payments", _LEAD),), tried=True, what="leads Payments"),
    Person("ben", "Ben", "Sato", teams=(("Payments", _TRIAGER),), tried=True, what="triager in Payments"),
    Person("cleo", "Cleo", "Marin", teams=(("Payments", _VIEWER), ("Web", _VIEWER)), tried=True, what="only looks"),
    Person("emil", "Emil", "Haas", teams=(("Web", _LEAD),), tried=True, what="leads Web"),
    Person("fay", "Fay", "Doyle", teams=(("Web", _TRIAGER),)),
    Person("gus", "Gus", "Pereira", teams=(("Data", _LEAD),)),
    Person("hana", "Hana", "Kovač", teams=(("Platform", _LEAD),)),
    Person("ivo", "Ivo", "Santos", teams=(("Platform", _TRIAGER), ("Data", _TRIAGER))),
)

_SOURCE: Final = "org.opencontainers.image.source"
RULES: Final = (
    # Later ones count before earlier ones. Nobody owns infra, legacy, shipping, vendor, articles and training.
    ("Payments", "payments/*", ""),
    ("Web", "web/*", ""),
    ("Data", "data/*", ""),
    ("Platform", "platform/*", ""),
    ("Data", "ml/*", ""),
    ("Web", "https://git.example/mobile/*", _SOURCE),
    ("Platform", "charts/auth", ""),
)


def open_company(registry: Registry, *, now: datetime) -> None:
    """Bring teams, people and rules into the database; what is there already stays."""
    boss = administrator()
    for name, description in TEAMS.items():
        if not Team.objects.filter(name=name).exists():
            create_team(name, description, now=now)
    for person in PEOPLE:
        if not User.objects.filter(username=person.name).exists():
            _hire(person, boss, now)
    if not OwnershipRule.objects.exists():
        for team, pattern, label in RULES:
            add_rule(Team.objects.get(name=team), pattern, registry=registry, label=label, by=boss, now=now)


def administrator() -> User:
    """The first one there is, else one who cannot log in."""
    found = User.objects.filter(role=RoleChoice.ADMIN, is_active=True).order_by("pk").first()
    if found is None:
        found = User(username="demo-admin", role=RoleChoice.ADMIN)
        found.set_unusable_password()
        found.save()
    return found


def hand_out_keys() -> Iterator[str]:
    """Give those who are to be tried out a password each, unless they have one; say who has which."""
    newcomers = [person for person in PEOPLE if person.tried]
    rows = {row.username: row for row in User.objects.filter(username__in=[person.name for person in newcomers])}
    told = False
    for person in newcomers:
        row = rows.get(person.name)
        if row is None or row.has_usable_password():
            continue
        if not told:
            yield "People to log in as besides the administrator (passwords are random and shown this once):"
            told = True
        password = secrets.token_urlsafe(9)
        row.set_password(password)
        row.save(update_fields=["password"])
        yield f"  {person.name:<5} {password}   {person.what}"


def _hire(person: Person, boss: User, now: datetime) -> None:
    values = {
        "username": person.name,
        "first_name": person.first,
        "last_name": person.last,
        "email": f"{person.name}@company.example",
        "role": str(person.role),
    }
    row, _invitation = create_person(values, by=boss, now=now)
    for team, role in person.teams:
        set_member(Team.objects.get(name=team), row, TeamRoleChoice(role))
