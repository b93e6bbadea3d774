"""The audit trail: written whoever writes, refused to whoever changes it, and every tampering found."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import timedelta
from io import StringIO
from typing import Any

import pghistory
import pytest
from cryptography.fernet import Fernet
from django.core.management import call_command
from django.db import IntegrityError, connection, transaction
from django.test.utils import override_settings
from django.utils import timezone

from compliance.models import HISTORIES, ApiToken, AuditAction, AuditCheck, AuditEvent, Registry, Team, User
from compliance.models.encryption import EncryptedTextField
from compliance.services.record_audit import audit
from compliance.services.rotate_credentials import rotate_credentials
from compliance.services.seal_audit import seal_audit
from compliance.services.verify_audit import Verification, check_audit, verify_audit
from tests.support.rows import NOW, policy_version, registry, user

pytestmark = pytest.mark.django_db


TRAIL = "compliance_auditevent"


def sql(statement: str, *values: Any) -> int:
    """Run one statement; how many rows it touched."""
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        return int(cursor.rowcount)


def behind_its_back(statement: str, *values: Any) -> int:
    """Run one statement as whoever owns the database can: without triggers."""
    sql("SET LOCAL session_replication_role = replica")
    try:
        return sql(statement, *values)
    finally:
        sql("SET LOCAL session_replication_role = origin")


def trail(teams: int = 8) -> list[AuditEvent]:
    """Rows of several kinds, sealed."""
    boss = user("boss", staff=True)
    made = [Team.objects.create(slug=f"team-{n}", name=f"Team {n}", created_at=NOW) for n in range(teams)]
    registry("Harbor")
    Team.objects.filter(slug__in=["team-1", "team-2"]).update(description="changed by update()")
    made[3].delete()
    for n in range(4):
        audit(AuditAction.EXPORTED, None, by=boss, now=timezone.now(), name=f"export {n}", details={"rows": n})
    seal_audit(timezone.now())
    return list(AuditEvent.objects.order_by("number"))


def test_what_people_decide_is_written_down_however_it_is_written() -> None:
    with pghistory.context(user=7, who="sam", ip="192.0.2.1", request="r-1", path="/teams/"):
        Team.objects.bulk_create([Team(slug=f"t{n}", name=f"T{n}", created_at=NOW) for n in range(3)])
        Team.objects.filter(slug="t1").update(name="Other")
        Team.objects.filter(slug="t2").update(name="T2")  # nothing changes
    with pghistory.context(task="compliance.tick"):
        Team.objects.filter(slug="t0").delete()
    told = [(e.action, e.name, e.actor, e.actor_name) for e in AuditEvent.objects.filter(kind="team").order_by("id")]
    assert told == [
        ("added", "T0", 7, "sam"),
        ("added", "T1", 7, "sam"),
        ("added", "T2", 7, "sam"),
        ("changed", "Other", 7, "sam"),
        ("removed", "T0", None, ""),
    ]
    first = AuditEvent.objects.filter(kind="team").earliest("id")
    assert first.context == {"user": 7, "who": "sam", "ip": "192.0.2.1", "request": "r-1", "path": "/teams/"}
    assert first.data["slug"] == "t0"


def test_what_a_service_writes_down_knows_the_request_too() -> None:
    boss = user("boss", staff=True)
    with pghistory.context(user=boss.pk, who="boss", ip="192.0.2.1"):
        by_request = audit(AuditAction.EXPORTED, None, by=None, now=NOW, name="tags")
        by_person = audit(AuditAction.SECRET_CHANGED, boss, by=boss, now=NOW)
    for event in (by_request, by_person):
        event.refresh_from_db()
        assert (event.actor, event.context["ip"]) == (boss.pk, "192.0.2.1")
    assert (by_person.kind, by_person.object, by_person.name) == ("user", str(boss.pk), "boss")


def test_no_history_has_a_column_for_a_secret() -> None:
    for history in HISTORIES:
        tracked = history.pgh_tracked_model  # type: ignore[attr-defined]  # of pghistory
        secret = {f.name for f in tracked._meta.concrete_fields if isinstance(f, EncryptedTextField)} | {"password"}
        secret |= {"digest"} if tracked is ApiToken else set()  # of the secret; a waiver's is an image's
        kept = {field.name for field in history._meta.concrete_fields}
        assert not kept & secret, history
        assert not [name for name in kept if "secret" in name or "token" in name.replace("token_hosts", "")], history


def test_what_scans_write_is_no_decision() -> None:
    made = registry("Harbor")
    before = AuditEvent.objects.count()
    Registry.objects.filter(pk=made.pk).update(next_scan_at=NOW, reached_at=NOW, problem_code="x", problem_message="y")
    User.objects.update(last_login=NOW)
    assert AuditEvent.objects.count() == before


@pytest.mark.parametrize("table", [TRAIL, *(history._meta.db_table for history in HISTORIES)])
@pytest.mark.parametrize("how", ["DELETE FROM {}", "TRUNCATE {}", "UPDATE {} SET {} = {}"])
def test_nothing_is_changed_or_removed(table: str, how: str) -> None:
    trail()
    column = "name" if table == TRAIL else "pgh_label"
    with pytest.raises(IntegrityError, match="never changed or removed"), transaction.atomic():
        sql(how.format(table, column, "'x'"))


@pytest.mark.parametrize("history", HISTORIES, ids=lambda history: str(history._meta.model_name))
def test_what_people_decide_is_not_emptied_behind_the_trail(history: Any) -> None:
    table = history.pgh_tracked_model._meta.db_table
    with pytest.raises(IntegrityError, match=f"{table} is not emptied at once"), transaction.atomic():
        sql(f"TRUNCATE {table} CASCADE")


def test_a_version_of_a_policy_says_what_it_said() -> None:
    version = policy_version()
    version.save()
    for change in ("document = '{}'", "number = 7"):
        with pytest.raises(IntegrityError, match="never changed"), transaction.atomic():
            sql(f"UPDATE compliance_policyversion SET {change} WHERE id = %s", version.pk)


def test_a_seal_is_set_once() -> None:
    events = trail()
    with pytest.raises(IntegrityError, match="never changed"), transaction.atomic():
        sql(f"UPDATE {TRAIL} SET mac = %s WHERE id = %s", b"x", events[0].pk)


def test_sealing_goes_on_where_it_stopped() -> None:
    events = trail()
    assert [event.number for event in events] == list(range(1, len(events) + 1))
    audit(AuditAction.LOGOUT, None, by=None, now=timezone.now())
    assert verify_audit().waiting == 1
    seal_audit(timezone.now())
    found = verify_audit()
    assert (found.sealed, found.waiting, found.problems) == (len(events) + 1, 0, [])


def test_an_anchor_is_logged_once_a_day(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    user("boss")
    [anchor] = seal_audit(NOW)
    assert seal_audit(NOW + timedelta(hours=1)) == []
    user("sam")
    [other] = seal_audit(NOW + timedelta(days=1))
    assert [r.getMessage() for r in caplog.records if "anchor" in r.getMessage()] == [
        f"audit anchor {anchor}", f"audit anchor {other}"
    ]  # fmt: skip
    assert verify_audit([anchor, other]).problems == []


def first(found: Verification) -> tuple[str, int | None, str]:
    """The first bad row."""
    assert found.problems
    return found.problems[0].table, found.problems[0].row, found.problems[0].what


def test_the_first_bad_row_is_named() -> None:
    events = trail()
    fifth = events[4]
    cases: list[tuple[str, tuple[str, int | None, str]]] = [
        (f"UPDATE {TRAIL} SET name = 'x' WHERE number = 5", (TRAIL, fifth.pk, "changed")),
        (f"DELETE FROM {TRAIL} WHERE number = 5", (TRAIL, None, "missing")),
        (f"UPDATE {fifth.source} SET pgh_label = 'x' WHERE pgh_id = {fifth.source_row}",
         (fifth.source, fifth.source_row, "changed")),
        (f"DELETE FROM {fifth.source} WHERE pgh_id = {fifth.source_row}", (fifth.source, fifth.source_row, "missing")),
        (f"INSERT INTO {TRAIL} (id, at, action, actor_name, kind, object, name, data, source, key) "
         f"VALUES (900000, now() - interval '2 days', 'login', '', '', '', '', '{{}}', '', '')",
         (TRAIL, 900000, "inserted: it is older than what was sealed before it")),
        ("INSERT INTO compliance_teamhistory (pgh_id, pgh_created_at, pgh_label, pgh_obj_id, slug, name, description, "
         "created_at) VALUES (900000, now(), 'added', 1, 's', 'n', 'd', now())",
         ("compliance_teamhistory", 900000, "inserted: the trail does not know it")),
    ]  # fmt: skip
    for statement, expected in cases:
        with transaction.atomic():
            assert behind_its_back(statement) == 1, statement
            assert first(verify_audit()) == expected, statement
            transaction.set_rollback(True)
    assert verify_audit().problems == []


def test_an_end_that_is_cut_off_is_found_by_the_anchor_from_the_log() -> None:
    events = trail()
    anchor = check_audit(NOW).anchor
    behind_its_back(f"DELETE FROM {TRAIL} WHERE number > %s", len(events) - 2)
    for event in events[-2:]:
        if event.source:
            behind_its_back(f"DELETE FROM {event.source} WHERE pgh_id = %s", event.source_row)
    AuditCheck.objects.update(anchor="")  # whoever cuts it off thinks of this
    assert verify_audit().problems == []
    table, row, what = first(verify_audit([anchor]))
    assert (table, row) == (TRAIL, None)
    assert what.startswith("missing: the trail ends here")


def test_rotated_keys_leave_the_chain_whole() -> None:
    old, new = Fernet.generate_key().decode(), Fernet.generate_key().decode()
    with override_settings(CREDENTIAL_KEYS=[old]):
        registry("Harbor", password="geheim")
        seal_audit(NOW)
    with override_settings(CREDENTIAL_KEYS=[new, old]):
        out = StringIO()
        call_command("rotate_credentials", stdout=out)
        assert verify_audit().problems == []
        assert rotate_credentials() == 1
    with override_settings(CREDENTIAL_KEYS=[new]):
        assert verify_audit().problems == []
    with override_settings(CREDENTIAL_KEYS=[Fernet.generate_key().decode()]):
        assert first(verify_audit())[2] == "sealed with a key that is not here"


def test_the_command_says_what_it_found() -> None:
    events = trail()
    anchor = check_audit(NOW).anchor
    out = StringIO()
    call_command("verify_audit", anchor=[anchor], stdout=out)
    assert out.getvalue() == f"{len(events)} rows verified, 0 not sealed yet; anchor {anchor}\n"
    behind_its_back(f"UPDATE {TRAIL} SET actor_name = 'eve' WHERE number = 3")
    with pytest.raises(SystemExit) as ended:
        call_command("verify_audit", stdout=out)
    assert ended.value.code == 1
    assert f"BAD {TRAIL}, row {events[2].pk}, number 3 of the chain: changed" in out.getvalue()


# Each of these says at which number of the chain it did something, ``None`` for a row beside the chain.


def edit(events: list[AuditEvent], dice: random.Random) -> int | None:
    row = dice.choice(events)
    column = dice.choice(
        ["name = name || 'x'", "action = 'login'", "actor = coalesce(actor, 0) + 1", "kind = 'x' || kind",
         "at = at - interval '1 second'", "data = data || '{\"forged\": 1}'", "context = context || '{\"ip\": \"x\"}'",
         "actor_name = 'eve'", "object = '99999'"]
    )  # fmt: skip
    changed = behind_its_back(f"UPDATE {TRAIL} SET {column} WHERE id = %s AND action <> 'login'", row.pk)
    assert changed == 1
    return row.number


def edit_history(events: list[AuditEvent], dice: random.Random) -> int | None:
    row = dice.choice([event for event in events if event.source == "compliance_teamhistory"])
    column = dice.choice(
        ["name = name || 'x'", "description = 'forged'", "pgh_label = 'forged'", "pgh_obj_id = 424242"]
    )
    assert behind_its_back(f"UPDATE {row.source} SET {column} WHERE pgh_id = %s", row.source_row) == 1
    return row.number


def remove(events: list[AuditEvent], dice: random.Random) -> int | None:
    row = dice.choice(events)
    behind_its_back(f"DELETE FROM {TRAIL} WHERE id = %s", row.pk)
    if row.source and dice.random() < 0.5:
        behind_its_back(f"DELETE FROM {row.source} WHERE pgh_id = %s", row.source_row)
    return row.number


def remove_history(events: list[AuditEvent], dice: random.Random) -> int | None:
    row = dice.choice([event for event in events if event.source])
    assert behind_its_back(f"DELETE FROM {row.source} WHERE pgh_id = %s", row.source_row) == 1
    return row.number


def insert(events: list[AuditEvent], dice: random.Random) -> int | None:
    place = dice.randint(1, len(events) + 1)
    behind_its_back(f"UPDATE {TRAIL} SET number = number + 100000 WHERE number >= %s", place)
    behind_its_back(f"UPDATE {TRAIL} SET number = number - 99999 WHERE number > 100000")
    behind_its_back(
        f"INSERT INTO {TRAIL} (at, action, actor_name, kind, object, name, data, context, source, number, "
        "link, mac, key) VALUES (now(), 'login', 'eve', 'user', '1', 'eve', '{}', '{}', '', %s, %s, %s, %s)",
        place, dice.randbytes(32), dice.randbytes(32), events[0].key,
    )  # fmt: skip
    return place


def insert_history(_events: list[AuditEvent], dice: random.Random) -> int | None:
    behind_its_back(
        "INSERT INTO compliance_teamhistory (pgh_created_at, pgh_label, pgh_obj_id, slug, name, description, "
        "created_at) VALUES (now(), 'added', %s, 's', 'n', 'd', now())", dice.randint(1, 1_000)
    )  # fmt: skip
    return None


def reorder(events: list[AuditEvent], dice: random.Random) -> int | None:
    one, two = dice.sample(events, 2)
    behind_its_back(f"UPDATE {TRAIL} SET number = -1 WHERE id = %s", one.pk)
    behind_its_back(
        f"UPDATE {TRAIL} SET number = %s, link = %s, mac = %s WHERE id = %s", one.number, one.link, one.mac, two.pk
    )
    behind_its_back(
        f"UPDATE {TRAIL} SET number = %s, link = %s, mac = %s WHERE id = %s", two.number, two.link, two.mac, one.pk
    )
    return min(one.number or 0, two.number or 0)


def cut(events: list[AuditEvent], dice: random.Random) -> int | None:
    keep = dice.randint(0, len(events) - 1)
    behind_its_back(f"DELETE FROM {TRAIL} WHERE number > %s", keep)
    for event in events[keep:]:
        if event.source:
            behind_its_back(f"DELETE FROM {event.source} WHERE pgh_id = %s", event.source_row)
    return keep + 1


TAMPERINGS: list[Callable[[list[AuditEvent], random.Random], int | None]] = [
    edit, edit_history, remove, remove_history, insert, insert_history, reorder, cut
]  # fmt: skip


def test_a_thousand_random_tamperings_are_found() -> None:
    events = trail()
    anchor = check_audit(NOW).anchor
    dice = random.Random(27)  # the same ones each time
    for n in range(1_000):
        tampering = TAMPERINGS[n % len(TAMPERINGS)]
        with transaction.atomic():
            place = tampering(events, dice)
            problems = verify_audit([anchor]).problems
            assert problems, (n, tampering.__name__)
            assert problems[0].number == place, (n, tampering.__name__, problems)
            transaction.set_rollback(True)
    assert verify_audit([anchor]).problems == []
