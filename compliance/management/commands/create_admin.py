"""Make an administrator, or let one in again: `manage.py create_admin [NAME]`; there is no default password."""

from __future__ import annotations

import os
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

import pghistory
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.core.management import BaseCommand, CommandError
from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from compliance.models import AuditAction, RoleChoice, User
from compliance.services.invite import invite_link
from compliance.services.record_audit import audit


class Command(BaseCommand):
    """Without a password it prints a link, which works once and for three days."""

    help = "Make an administrator who chooses a password by a link that is printed once, or has one from a file."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the options."""
        parser.add_argument("name", nargs="?", default="admin", help="user name (admin)")
        parser.add_argument("--site", default="", metavar="URL", help="where the site is, to print the whole link")
        parser.add_argument("--if-none", action="store_true", help="do nothing when there is an administrator")
        source = parser.add_mutually_exclusive_group()
        source.add_argument("--password-file", type=Path, metavar="PATH", help="read the password from a file")
        source.add_argument("--password-env", metavar="VAR", help="read the password from an environment variable")

    def handle(self, *_: Any, **options: Any) -> None:
        """Make the account, or find it."""
        if options["if_none"] and administrators().exists():
            self.stdout.write("There is an administrator already.")
            return
        password = _password(options)
        with pghistory.context(command="create_admin"), transaction.atomic():
            user = _administrator(options["name"])
            if password is None:
                link = invite_link(user, by=None, now=timezone.now())
                self.stdout.write(f"{user.get_username()} chooses a password here, once, within three days:")
                self.stdout.write(f"{options['site'].rstrip('/') or 'https://YOUR-SITE'}{link}")
                return
            _set(user, password)
        self.stdout.write(f"{user.get_username()} can log in with the password that was given.")


def administrators() -> QuerySet[User]:
    """Those who can log in and change everything."""
    return User.objects.filter(role=RoleChoice.ADMIN, is_active=True)


def _administrator(name: str) -> User:
    user = User.objects.filter(username=name).first()
    if user is None:
        user = User(username=name, role=RoleChoice.ADMIN, is_superuser=True)
        user.set_unusable_password()
        try:
            user.full_clean(exclude=["password", "email"])
        except ValidationError as error:
            raise CommandError(" ".join(error.messages)) from error
        user.save()
    if user.role != RoleChoice.ADMIN or not user.is_active:
        raise CommandError(f"{name} is somebody who is not an administrator, or was deactivated. Take another name.")
    return user


def _set(user: User, password: str) -> None:
    try:
        validate_password(password, user)
    except ValidationError as error:
        raise CommandError(" ".join(error.messages)) from error
    user.set_password(password)
    user.save(update_fields=["password"])
    audit(AuditAction.PASSWORD_SET, user, by=None, now=timezone.now(), details={"by": "command"})


def _password(options: dict[str, Any]) -> str | None:
    try:
        if path := options["password_file"]:
            return str(path.read_text().strip("\r\n"))
        return os.environ[name] if (name := options["password_env"]) else None
    except (OSError, UnicodeDecodeError, KeyError) as error:
        raise CommandError(f"The password could not be read: {error}") from error
