"""Let somebody who lost the second factor log in by the password alone: `manage.py reset_second_factor NAME`."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

import pghistory
from django.core.management import BaseCommand, CommandError
from django.utils import timezone

from compliance.models import User
from compliance.services.change_factors import reset_factors


class Command(BaseCommand):
    """For the last administrator; everybody else's is reset on the page of the person."""

    help = "Turn somebody's second factor off, with its recovery codes, and end their sessions."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the options."""
        parser.add_argument("name", help="user name")

    def handle(self, *_: Any, **options: Any) -> None:
        """Reset it."""
        person = User.objects.filter(username=options["name"]).first()
        if person is None:
            raise CommandError(f"There is nobody called {options['name']}.")
        with pghistory.context(command="reset_second_factor"):
            found = reset_factors(person, by=None, now=timezone.now())
        if not found:
            raise CommandError(f"{person.get_username()} has no second factor.")
        self.stdout.write(f"{person.get_username()} is logged out everywhere and logs in with the password alone.")
