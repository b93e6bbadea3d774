"""Add a registry: `manage.py add_registry NAME URL`."""

from __future__ import annotations

import shlex
from typing import Any, Final

from django.core.management import BaseCommand, CommandError, CommandParser
from django.db.models import CharField
from django.utils import timezone

from compliance.forms.registry_products import LOCAL_PREFIXES
from compliance.management.registry_options import add_options, from_variable, read_values
from compliance.models import Policy, Registry
from compliance.models.registry import AuthMethod
from compliance.policy.schedule import LONGEST_INTERVAL
from compliance.services.detect_product import detect_product
from compliance.services.publish_policies import publish_policies
from compliance.services.save_registry import save_registry
from scanner.domain.reference import InvalidReference, parse_repository
from scanner.policies import DEFAULT_POLICY
from scanner.sources.catalogs import PRODUCT_KEYS
from scanner.sources.catalogs.elsewhere import PRODUCTS as ELSEWHERE
from scanner.sources.registry.addresses import InvalidRegistryUrl, parse_registry_url

_PRODUCTS: Final = tuple(key for key in PRODUCT_KEYS if key not in {product.key for product in ELSEWHERE})
_LONGEST_NAME: Final = 255


class Command(BaseCommand):
    """The password comes from a variable, because arguments are visible to every process on the machine."""

    help = "Add a registry; the next tick of the schedule scans it."

    def add_arguments(self, parser: CommandParser) -> None:
        """See the contract in the documentation of the command line."""
        parser.add_argument("name")
        parser.add_argument(
            "url", help="https://host[:port], http://host[:port], docker-daemon:, oci:PATH or docker-archive:PATH"
        )
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
        add_options(parser)

    def handle(self, *_args: Any, **options: Any) -> None:
        """Check what was given, then save it."""
        _require_usable(options)
        _require_names(options)
        url, password, now = _address(options["url"]), _password(options), timezone.now()
        if not Policy.objects.filter(name=options["policy"]).exists():
            publish_policies(now)
        if not Policy.objects.filter(name=options["policy"]).exists():
            known = ", ".join(Policy.objects.order_by("name").values_list("name", flat=True))
            raise CommandError(f"There is no policy named {options['policy']!r}; choose one of {known}.")
        registry = save_registry(read_values(options, url, password, now), now=now)
        if options["product"] is None and not registry.is_local:
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


def _address(text: str) -> str:
    """As the form reads it, which knows the places on this machine."""
    if text.startswith(tuple(LOCAL_PREFIXES.values())):
        return text
    try:
        # On the command line http:// is written by somebody who means it.
        origin = parse_registry_url(text, plain_http=text.lower().startswith("http://"))
    except InvalidRegistryUrl as error:
        raise CommandError(f"{error.reason} Write URL as https://host[:port], or http://host[:port].") from error
    return str(origin)


def _password(options: dict[str, Any]) -> str | None:
    username, variable, method = options["username"], options["password_env"], options["auth_method"]
    if variable is None:
        if username and method in (None, AuthMethod.PASSWORD):
            raise CommandError("--username needs --password-env VAR, the environment variable that holds the password.")
        return None
    if not username and method in (None, AuthMethod.PASSWORD):
        raise CommandError("--password-env needs --username U.")
    return from_variable(variable)
