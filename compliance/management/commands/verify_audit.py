"""Verify the audit trail: `manage.py verify_audit [--anchor NUMBER:LINK]`; exit 0 when it is as written, else 1."""

from __future__ import annotations

import sys
from argparse import ArgumentParser
from typing import Any

from django.core.management import BaseCommand, CommandError

from compliance.services.verify_audit import verify_audit


class Command(BaseCommand):
    """Walk along the chain and compare every history with it."""

    help = "Verify the audit trail. Give it anchors from the log, or nobody notices that the end was cut off."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the options."""
        parser.add_argument(
            "--anchor", action="append", default=[], metavar="NUMBER:LINK", help="as logged; may be given repeatedly"
        )

    def handle(self, *_: Any, **options: Any) -> None:
        """Print what is found, the first bad row first."""
        try:
            found = verify_audit(options["anchor"])
        except ValueError as error:
            raise CommandError(str(error)) from error
        for problem in found.problems:
            self.stdout.write(f"BAD {problem}")
        self.stdout.write(f"{found.sealed} rows verified, {found.waiting} not sealed yet; anchor {found.anchor or '–'}")
        if found.problems:
            sys.exit(1)
