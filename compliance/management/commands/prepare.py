"""Bring the database up to date: `manage.py prepare`. Run it at every start; a second time it does nothing."""

from __future__ import annotations

from typing import Any

from django.core.management import BaseCommand, call_command
from django.utils import timezone

from compliance.management.commands.create_admin import administrators
from compliance.models.clock import database_now
from compliance.services.publish_policies import publish_policies
from compliance.services.rejudge import finish_rejudgings


class Command(BaseCommand):
    """Migrate, publish the shipped policies, judge again what they change."""

    help = "Migrate the database, publish the shipped policies and judge again what they change."

    def handle(self, *_args: Any, **_options: Any) -> None:
        """Do all three."""
        call_command("migrate", verbosity=0, interactive=False)
        now = timezone.now()
        for name in publish_policies(now):
            self.stdout.write(f"Published policy {name}.")
        counts = finish_rejudgings(clock=database_now)
        if not administrators().exists():
            self.stdout.write("There is no administrator yet: manage.py create_admin makes one.")
        if counts.asked or counts.repositories:
            self.stdout.write(f"Asked {counts.asked} images again; judged {counts.tags} tags.")
