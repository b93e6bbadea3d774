"""Judge everything again: `manage.py rejudge [--policy NAME]`."""

from __future__ import annotations

import time
from typing import Any

from django.core.management import BaseCommand, CommandError, CommandParser

from compliance.models import Policy
from compliance.models.clock import database_now
from compliance.services.rejudge import rejudge


class Command(BaseCommand):
    """From stored facts alone, without one registry request."""

    help = "Judge every image again from what is stored, without asking any registry."

    def add_arguments(self, parser: CommandParser) -> None:
        """Only the policy can be chosen."""
        parser.add_argument("--policy", help="only repositories with this policy (default: all)")

    def handle(self, *_args: Any, **options: Any) -> None:
        """Judge and say how much it was."""
        policy = None
        if options["policy"] is not None:
            policy = Policy.objects.filter(name=options["policy"]).first()
            if policy is None:
                raise CommandError(f"There is no policy named {options['policy']!r}.")
        began = time.monotonic()
        counts = rejudge(policy, clock=database_now)
        seconds = time.monotonic() - began
        self.stdout.write(
            f"Judged {counts.tags} tags of {counts.repositories} repositories in {seconds:.1f} s; "
            f"{counts.changed} have another verdict. {counts.asked} images were asked again."
        )
