"""Add a registry: `manage.py add_registry NAME URL`."""

from __future__ import annotations

import os
import shlex
from typing import Any, Final

from django.core.management import BaseCommand, CommandError, CommandParser
from django.db.models import CharField
from django.utils import timezone

from compliance.models import Policy, Registry
from compliance.policy.schedule import LONGEST_INTERVAL, Schedule
from compliance.services.detect_product import detect_product
from compliance.services.publish_policies import publish_policies
from compliance.services.save_registry import RegistryValues, save_registry
from scanner.domain.docker_hub import is_docker_hub, registry_address
from scanner.domain.reference import InvalidReference, parse_repository
from scanner.policies import DEFAULT_POLICY
from scanner.sources.catalogs import PRODUCT_KEYS, detect
from scanner.sources.catalogs.elsewhere import PRODUCTS as ELSEWHERE
from scanner.sources.registry.addresses import InvalidRegistryUrl, RegistryUrl, parse_registry_url

_PRODUCTS: Final = tuple(key for key in PRODUCT_KEYS if key not in {product.key for product in ELSEWHERE})
_LONGEST_NAME: Final = 255


class Command(BaseCommand):
    """The password comes from a variable, because arguments are visible to every process on the machine."""

    help = "Add a registry; the next tick of the schedule scans it."

    def add_arguments(self, parser: CommandParser) -> None:
        """See the contract in the documentation of the command line."""
        parser.add_argument("name")
        parser.add_argument("url", help="https://registry.example, or http://… for one without TLS")
        parser.add_argument("--username", default="")
        parser.add_argument("--password-env", metavar="VAR", help="environment variable that holds the password")
        parser.add_argument("--insecure", action="store_true", help="accept any certificate; plain http is in the URL")
        parser.add_argument("--interval", type=int, default=60, metavar="MIN", help="0: only when asked for")
        parser.add_argument("--public-only", action="store_true", help="refuse private and loopback addresses")
        parser.add_argument("--policy", default=DEFAULT_POLICY)
        parser.add_argument("--product", choices=_PRODUCTS, help="whose listing to use; default: what answers there")
        parser.add_argument(
            "--namespace", action="append", default=[], help="organization, group or project to list; repeatable"
        )
        parser.add_argument(
            "--repository", action="append", default=[], help="one that the registry does not list; repeatable"
        )

    def handle(self, *_args: Any, **options: Any) -> None:
        """Check what was given, then save it."""
        _require_usable(options)
        _require_names(options)
        values = _values(options)
        now = timezone.now()
        if not Policy.objects.filter(name=options["policy"]).exists():
            publish_policies(now)
        if not Policy.objects.filter(name=options["policy"]).exists():
            known = ", ".join(Policy.objects.order_by("name").values_list("name", flat=True))
            raise CommandError(f"There is no policy named {options['policy']!r}; choose one of {known}.")
        registry = save_registry(values, now=now)
        if options["product"] is None:
            Registry.objects.filter(pk=registry.pk).update(product=detect_product(registry))
        command = shlex.join(["manage.py", "scan", registry.name, "--wait"])
        self.stdout.write(f"Added {registry.name} ({registry.url}). Scan it now: {command}")


def _require_usable(options: dict[str, Any]) -> None:
    name, longest = options["name"], _longest("name")
    if not name.strip() or len(name) > longest or not name.isprintable():
        raise CommandError(f"NAME is how people here call the registry: 1 to {longest} printable characters.")
    if Registry.objects.filter(name=name).exists():
        raise CommandError(f"There is a registry named {name!r} already. Scan it, or choose another name.")
    if not 0 <= options["interval"] <= LONGEST_INTERVAL:
        raise CommandError(f"--interval is a number of minutes from 0 to {LONGEST_INTERVAL}.")
    if len(options["username"]) > _longest("username"):
        raise CommandError(f"--username is at most {_longest('username')} characters.")


def _require_names(options: dict[str, Any]) -> None:
    if any(not 0 < len(name) <= _LONGEST_NAME or not name.isprintable() for name in options["namespace"]):
        raise CommandError(f"--namespace is 1 to {_LONGEST_NAME} printable characters.")
    for name in options["repository"]:
        try:
            parse_repository(name)
        except InvalidReference as error:
            raise CommandError(
                f"--repository: {error}. Write it without the registry, for example team/shop."
            ) from error


def _longest(field: str) -> int:
    found = Registry._meta.get_field(field)
    return found.max_length or 0 if isinstance(found, CharField) else 0


def _values(options: dict[str, Any]) -> RegistryValues:
    text = options["url"]
    try:
        # On the command line http:// is written by somebody who means it.
        origin = parse_registry_url(text, plain_http=text.lower().startswith("http://"))
    except InvalidRegistryUrl as error:
        raise CommandError(f"{error.reason} Write URL as https://host[:port], or http://host[:port].") from error
    if is_docker_hub(origin.host):
        origin = RegistryUrl("https", registry_address(origin.host), 443)
    return RegistryValues(
        name=options["name"],
        url=str(origin),
        policy=options["policy"],
        product=options["product"] or detect(origin.host),
        namespaces=tuple(options["namespace"]),
        entered_repositories=tuple(options["repository"]),
        username=options["username"],
        password=_password(options["username"], options["password_env"]),
        verify_tls=not options["insecure"],
        # Whoever has a shell here may name what this machine reaches; the setting of the whole site still wins.
        allow_private=not options["public_only"],
        schedule=Schedule(interval_minutes=options["interval"]),
    )


def _password(username: str, variable: str | None) -> str | None:
    if variable is None:
        if username:
            raise CommandError("--username needs --password-env VAR, the environment variable that holds the password.")
        return None
    if not username:
        raise CommandError("--password-env needs --username U.")
    password = os.environ.get(variable)
    if not password:
        raise CommandError(f"The environment variable {variable} is not set. Export it first.")
    return password
