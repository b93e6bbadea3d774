"""Add a registry: `manage.py add_registry NAME URL`."""

from __future__ import annotations

import os
from typing import Any

from django.core.management import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from compliance.models import Policy, Registry
from compliance.services.publish_policies import publish_policies
from compliance.services.save_registry import RegistryValues, save_registry
from scanner.policies import DEFAULT_POLICY
from scanner.sources.registry.addresses import InvalidRegistryUrl, parse_registry_url


class Command(BaseCommand):
    """The password comes from a variable, because arguments are visible to every process on the machine."""

    help = "Add a registry; the next tick of the schedule scans it."

    def add_arguments(self, parser: CommandParser) -> None:
        """See the contract in the documentation of the command line."""
        parser.add_argument("name")
        parser.add_argument("url", help="https://registry.example, or http://… for one without TLS")
        parser.add_argument("--username", default="")
        parser.add_argument("--password-env", metavar="VAR", help="environment variable that holds the password")
        parser.add_argument("--insecure", action="store_true", help="do not check the TLS certificate")
        parser.add_argument("--interval", type=int, default=60, metavar="MIN", help="0: only when asked for")
        parser.add_argument("--allow-private", action="store_true", help="allow loopback and private addresses")
        parser.add_argument("--policy", default=DEFAULT_POLICY)

    def handle(self, *_args: Any, **options: Any) -> None:
        """Check what was given, then save it."""
        if Registry.objects.filter(name=options["name"]).exists():
            raise CommandError(f"There is a registry named {options['name']!r} already.")
        if options["interval"] < 0:
            raise CommandError("--interval is a number of minutes, 0 or more.")
        now = timezone.now()
        if not Policy.objects.filter(name=options["policy"]).exists():
            publish_policies(now)
        if not Policy.objects.filter(name=options["policy"]).exists():
            raise CommandError(f"There is no policy named {options['policy']!r}.")
        registry = save_registry(_values(options), now=now)
        self.stdout.write(f"Added {registry.name} ({registry.url}). Scan it now: manage.py scan {registry.name} --wait")


def _values(options: dict[str, Any]) -> RegistryValues:
    try:
        url = str(parse_registry_url(options["url"], plain_http=options["url"].startswith("http://")))
    except InvalidRegistryUrl as error:
        raise CommandError(error.reason) from error
    return RegistryValues(
        name=options["name"],
        url=url,
        policy=options["policy"],
        username=options["username"],
        password=_password(options["username"], options["password_env"]),
        verify_tls=not options["insecure"],
        allow_private=options["allow_private"],
        interval_minutes=options["interval"],
    )


def _password(username: str, variable: str | None) -> str | None:
    if variable is None:
        if username:
            raise CommandError("--username needs --password-env.")
        return None
    if not username:
        raise CommandError("--password-env needs --username.")
    password = os.environ.get(variable)
    if not password:
        raise CommandError(f"The environment variable {variable} is not set.")
    return password
