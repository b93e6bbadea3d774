"""The first administrator, without a password that anybody knows beforehand."""

from __future__ import annotations

from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.test import Client

from compliance.management.commands.up import make_first_admin
from compliance.models import AuditEvent, RoleChoice, User
from tests.support.rows import user

pytestmark = pytest.mark.django_db

GOOD = "correct horse battery"


def create(*arguments: str, **options: object) -> str:
    """What the command says."""
    out = StringIO()
    call_command("create_admin", *arguments, stdout=out, **options)
    return out.getvalue()


def test_it_prints_a_link_and_no_password() -> None:
    said = create("ann", site="https://plimsoll.example/")
    link = said.splitlines()[1]
    assert link.startswith("https://plimsoll.example/welcome/")
    ann = User.objects.get()
    assert (ann.role, ann.is_superuser, ann.has_usable_password()) == (RoleChoice.ADMIN, True, False)
    assert Client().get(link.removeprefix("https://plimsoll.example")).status_code == 302
    made = {event.action: event.context for event in AuditEvent.objects.filter(kind="user")}
    assert made == {"added": {"command": "create_admin"}, "link_made": {"command": "create_admin"}}


def test_a_password_comes_from_a_file_or_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "p").write_text(f"{GOOD}\n")
    create("ann", password_file=tmp_path / "p")
    monkeypatch.setenv("ADMIN_PASSWORD", f"{GOOD} too")
    create("bob", password_env="ADMIN_PASSWORD")
    assert User.objects.get(username="ann").check_password(GOOD)
    assert User.objects.get(username="bob").check_password(f"{GOOD} too")


@pytest.mark.parametrize("password", ["short", "", "passwordpassword1"[:11]])
def test_a_poor_password_makes_nobody(tmp_path: Path, password: str) -> None:
    (tmp_path / "p").write_text(password)
    with pytest.raises(CommandError):
        create("ann", password_file=tmp_path / "p")
    assert not User.objects.exists()


def test_what_it_refuses(tmp_path: Path) -> None:
    user("sam")
    for arguments, options in (
        (["sam"], {}),
        (["not a name"], {}),
        (["ann"], {"password_file": tmp_path / "nowhere"}),
        (["ann"], {"password_env": "NOT_SET_ANYWHERE"}),
    ):
        with pytest.raises(CommandError):
            create(*arguments, **options)
    assert User.objects.count() == 1


def test_with_if_none_it_is_done_once() -> None:
    assert "/welcome/" in create(if_none=True)
    assert "already" in create(if_none=True)
    assert User.objects.count() == 1


def test_prepare_says_that_there_is_none() -> None:
    out = StringIO()
    call_command("prepare", stdout=out)
    assert "manage.py create_admin" in out.getvalue()
    assert make_first_admin()
    assert make_first_admin() is None
    out = StringIO()
    call_command("prepare", stdout=out)
    assert "create_admin" not in out.getvalue()
