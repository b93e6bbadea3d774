"""The page of the system: whole, late, behind; what is asked apart; who may see it; no secret."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from django.conf import settings
from django.db import connection
from django.db.migrations.recorder import MigrationRecorder
from django.test import Client, override_settings
from pytest_django.fixtures import DjangoAssertNumQueries

import compliance
from compliance.models import SharedValue
from compliance.models.shared_value import TICKED
from compliance.queries.services_used import address_of
from compliance.tasks.ask_workers import Depth, Doing, Queue, Worker
from compliance.views import system
from tests.support.channels import channel
from tests.support.factors import protect
from tests.support.pages import Page, get, get_part, logged_in
from tests.support.rows import NOW, user

URL = "/settings/system/"
SECRET = "canary-system-7c41e9"
FULL = Queue(
    answers=True,
    asked_workers=True,
    server="Valkey 9.1.2",
    depths=(Depth("celery", 1_204), Depth("heavy", 0)),
    given=2,
    workers=(
        Worker("celery@host-a", NOW - timedelta(hours=2), 4, ("celery",), (Doing("scans repositories", NOW),)),
        Worker("celery@host-b", None, 1, ()),
    ),
)


@pytest.fixture
def heard(monkeypatch: pytest.MonkeyPatch) -> list[Queue]:
    """What the queue says: the last of these. Emptied where it must not be asked."""
    found = [FULL]
    monkeypatch.setattr(system, "ask_queue", lambda _now: found[-1])
    return found


@pytest.fixture(autouse=True)
def ticked(db: None) -> None:
    """A worker did what beat asked for, a moment ago."""
    _tick(NOW - timedelta(seconds=7))


def test_the_page_says_what_it_runs_on_and_asks_nobody(reader: Client, heard: list[Queue]) -> None:
    heard.clear()
    page = get(reader, URL)
    facts = dict(zip([each.text for each in page.all("dt")], [each.text for each in page.all("dd")], strict=True))
    assert facts["Plimsoll"] == compliance.__version__
    assert facts["Django"].startswith("5.")
    assert facts["htmx"].startswith("2.")
    assert facts["PostgreSQL"]
    assert facts["Missing"] == "none"
    assert facts["Newest"].startswith("00")
    assert page.all("section", id="queue", hx_trigger="load", hx_get=URL)
    assert page.all("a", href=f"{URL}?queue=now")
    assert "Nothing ticks" not in page.text
    assert "older than this release" not in page.text
    assert "Queue: not asked" in page.text
    names = [row.text.split()[0] for row in page.rows]
    assert {"Django", "celery", "htmx"} <= set(names)
    assert not {"pytest", "mypy", "ruff"} & set(names)


def test_the_ten_largest_tables_are_sorted(reader: Client, heard: list[Queue]) -> None:
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE compliance_user")
        cursor.execute("CREATE TABLE zz_large AS SELECT repeat('x', 200) AS words FROM generate_series(1, 10000)")
    (table,) = [part for part in get(reader, URL).html.split("<section") if 'id="t-database"' in part]
    rows = [row.text.replace("\xa0", " ") for row in Page(table).rows]
    assert len(rows) == 10
    assert any("zz_large" in row for row in rows)
    units = {"KB": 1, "MB": 1024, "GB": 1024**2}
    found = [re.search(r"([\d.]+) ([KMG]B)", row) for row in rows]
    sizes = [float(each[1]) * units[each[2]] for each in found if each]
    assert len(sizes) == 10
    assert sizes == sorted(sizes, reverse=True)


def test_the_part_says_what_the_queue_and_the_workers_said(reader: Client, heard: list[Queue]) -> None:
    part = Page(f"<body>{get_part(reader, URL)}</body>")
    assert not part.all("h1")
    assert [row.text for row in part.rows] == [
        "celery@host-aanswered just now 2 hours ago 4 celery scans repositories begun just now",
        "celery@host-banswered just now not said 1 not said nothing",
    ]
    assert "1,204 messages" in part.text
    assert "takes from heavy" in part.text
    assert part.all("section", id="ticket", hx_swap_oob="true")
    assert not part.all("section", id="queue")[0].attributes.get("hx-trigger")


def test_without_scripts_the_page_asks_itself(reader: Client, heard: list[Queue]) -> None:
    page = get(reader, f"{URL}?queue=now")
    assert page.all("h1")
    assert "celery@host-a" in page.text
    assert not page.all("section", id="queue")[0].attributes.get("hx-trigger")
    assert len(page.all("section", id="ticket")) == 1


@pytest.mark.parametrize(
    ("queue", "words"),
    [
        (Queue(answers=False), "The queue does not answer"),
        (Queue(answers=True), "The workers could not be asked"),
        (Queue(answers=True, asked_workers=True), "No worker answered within a second"),
        (Queue(answers=True, evicts=True), "may throw messages away"),
    ],
)
def test_what_is_away_is_said(reader: Client, heard: list[Queue], queue: Queue, words: str) -> None:
    heard.append(queue)
    assert words in Page(get_part(reader, URL)).text
    assert words in get(reader, f"{URL}?queue=now").text


@pytest.mark.parametrize(("seconds", "late"), [(119, False), (121, True), (None, True)])
def test_a_tick_that_is_late(reader: Client, heard: list[Queue], seconds: int | None, late: bool) -> None:
    SharedValue.objects.all().delete()
    if seconds is not None:
        _tick(NOW - timedelta(seconds=seconds))
    page = get(reader, URL)
    assert ("Nothing ticks" in page.text) is late
    assert ("Last tick: never" in page.text) is (seconds is None)


def test_steps_that_fail_are_named_with_their_age(reader: Client, heard: list[Queue]) -> None:
    assert "Part of each tick fails" not in get(reader, URL).text
    _tick(NOW, rest=NOW - timedelta(minutes=5), dig=NOW - timedelta(hours=3))
    page = get(reader, URL)
    assert [each.text for each in page.all("li") if "It cannot" in each.text] == [
        "It cannot dig, since 3 hours ago.",
        "It cannot rest, since 5 minutes ago.",
    ]
    assert f"It cannot dig, since {NOW - timedelta(hours=3):%Y-%m-%d %H:%M:%S} UTC" in page.text
    assert "Nothing ticks" not in page.text


def _tick(at: datetime, **failing: datetime) -> None:
    said = {"at": at.isoformat(), "failing": {step: since.isoformat() for step, since in failing.items()}}
    SharedValue.objects.update_or_create(key=TICKED, defaults={"value": said})


def test_migrations_that_are_missing_or_of_another_release(reader: Client, heard: list[Queue]) -> None:
    recorder = MigrationRecorder(connection)
    newest = recorder.migration_qs.filter(app="compliance").order_by("-id").values_list("name", flat=True)[0]
    recorder.record_unapplied("compliance", newest)
    recorder.record_applied("compliance", "9999_of_tomorrow")
    page = get(reader, URL)
    assert "1 migration of it was not made" in page.text
    assert f"compliance.{newest}" in page.text
    assert "compliance.9999_of_tomorrowanother release made them" in page.text
    assert f"Missing migrations: compliance.{newest}" in page.text


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        (f"redis://:{SECRET}@queue.example:6380/0", "queue.example:6380"),
        (f"rediss://robot:{SECRET}@[fd00::1]:6380/0?password={SECRET}", "[fd00::1]:6380"),
        (f"redis+socket://:{SECRET}@/run/queue.sock", "/run/queue.sock"),
        (f"unix:///run/queue.sock?password={SECRET}", "/run/queue.sock"),
        (f"sentinel://:{SECRET}@one:26379;sentinel://:{SECRET}@two:26379", "an address of another form"),
        (f"redis://{SECRET} with blanks/0", "an address of another form"),
        (f"redis:/{SECRET}@somewhere", "on this machine"),
        ("redis://queue.example:99999999/0", "an address of another form"),
    ],
)
def test_addresses_hold_no_secret(url: str, shown: str) -> None:
    assert address_of(url) == shown


def test_no_secret_is_shown_nor_copied(reader: Client, heard: list[Queue], monkeypatch: pytest.MonkeyPatch) -> None:
    channel(user("kim"))
    known = [settings.SECRET_KEY, settings.DATABASES["default"]["PASSWORD"], *settings.CREDENTIAL_KEYS]
    elsewhere = {"HOST": "postgres.example", "PORT": "5433", "PASSWORD": SECRET, "USER": SECRET}
    monkeypatch.setitem(settings.DATABASES, "default", {**settings.DATABASES["default"], **elsewhere})
    with override_settings(
        REDIS_URL=f"redis://robot:{SECRET}@queue.example:6380/0",
        MAIL_CONFIGURED=True,
        EMAIL_HOST="mail.example",
        EMAIL_PORT=587,
        EMAIL_HOST_USER="robot",
        EMAIL_HOST_PASSWORD=SECRET,
    ):
        pages = [get(reader, URL), get(reader, f"{URL}?queue=now"), Page(get_part(reader, URL))]
    assert "postgres.example:5433" in pages[0].text
    assert "queue.example:6380" in pages[0].text
    assert "mail.example:587" in pages[0].text
    for page in pages:
        assert not [secret for secret in (SECRET, *known) if secret in page.html]
        assert "robot" not in page.html
        (text,) = page.all("pre")
        copied = [each.attributes["data-copy"] for each in page.all("button", class_="copy")]
        assert len(copied) == 1
        assert copied[0].split() == text.text.split()
        assert all(host not in copied[0] for host in ("example", "host-a", "host-b", "6380", "127.0.0.1"))


@pytest.mark.parametrize("seal", [lambda: channel(user("kim")), lambda: protect(user("kim"))])
def test_how_far_a_rotation_of_keys_has_come(reader: Client, heard: list[Queue], seal: Callable[[], object]) -> None:
    (old,), new, lost = settings.CREDENTIAL_KEYS, "x" * 42 + "8=", "y" * 42 + "8="
    seal()
    said = []
    for keys in ([old], [new, old], [old, new], [new, lost]):
        with override_settings(CREDENTIAL_KEYS=keys):
            said.append(get(reader, URL).text)
    for text, words in zip(
        said,
        (
            "with one key there is nothing to rotate",
            "stored secrets are sealed with an older one: run manage.py rotate_credentials",
            "stored secrets are sealed with the first: the others can be taken away",
            "stored secrets are sealed with none of them: put the key back",
        ),
        strict=True,
    ):
        assert words in text
        assert old not in text
        assert new not in text


@pytest.mark.parametrize(("role", "status"), [("admin", 200), ("security", 200), ("auditor", 403), ("member", 403)])
def test_who_may_see_it(heard: list[Queue], role: str, status: int) -> None:
    client = logged_in(user("lea", role=role))
    for query in ("", "?queue=now"):
        assert client.get(URL + query).status_code == status
    assert client.get(URL, headers={"HX-Request": "true"}).status_code == status
    assert bool(get(client, "/settings/").all("a", href=URL)) is (status == 200)


@pytest.mark.parametrize("query", ["", "?queue=now"])
def test_queries(
    reader: Client, heard: list[Queue], django_assert_num_queries: DjangoAssertNumQueries, query: str
) -> None:
    with django_assert_num_queries(6):
        reader.get(URL + query)


def test_the_version_is_that_of_the_package() -> None:
    about = (Path(compliance.__file__).parents[1] / "pyproject.toml").read_text()
    assert f'\nversion = "{compliance.__version__}"\n' in about
