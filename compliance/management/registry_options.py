"""Optional arguments of `manage.py add_registry`: fields of the registry form, read as it reads them."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from django.core.management import CommandError, CommandParser

from compliance.forms.registry import RegistryForm
from compliance.forms.registry_row import ANONYMOUS, CRON, INTERVAL, NEVER
from compliance.models.registry import AuthMethod
from compliance.policy.registry_values import RegistryValues

_MOST_FILE_CHARACTERS: Final = 200_000


@dataclass(frozen=True, slots=True)
class _Option:
    """One argument and the field it fills.

    :param of: ``variable``, ``file``, ``many`` or, for a value of its own, nothing.
    """

    flag: str
    field: str
    help: str
    of: str = ""

    @property
    def name(self) -> str:
        """The key of what was given."""
        return self.flag.removeprefix("--").replace("-", "_")


_OPTIONS: Final = (
    _Option("--api-token-env", "api_token", "variable that holds the token of the product's own interface", "variable"),
    _Option("--proxy-env", "proxy", "variable that holds the proxy's URL, which may have a password", "variable"),
    _Option("--ca", "extra_ca", "PEM of an authority that is trusted too", "file"),
    _Option("--client-certificate", "client_certificate", "PEM", "file"),
    _Option("--client-key", "client_key", "PEM, without a pass phrase", "file"),
    _Option("--token-host", "token_hosts", "another host that may be given the credential; repeatable", "many"),
    _Option("--include", "include_repositories", "repositories to scan: a glob; repeatable", "many"),
    _Option("--exclude", "exclude_repositories", "repositories to leave out; repeatable", "many"),
    _Option("--include-tag", "include_tags", "tags to scan: a glob; repeatable", "many"),
    _Option("--exclude-tag", "exclude_tags", "tags to leave out; repeatable", "many"),
    _Option("--protected-tag", "protected_tags", "a tag that always counts; repeatable", "many"),
    _Option("--newest", "newest_tags", "how many tags of each repository"),
    _Option("--pushed-within-days", "pushed_within_days", "leave out older tags"),
    _Option("--platform", "platforms", "such as linux/amd64 or linux/*; repeatable", "many"),
    _Option("--cron", "cron", "when scans begin, instead of --interval"),
    _Option("--time-zone", "time_zone", "of --cron and the quiet hours"),
    _Option("--quiet-from", "quiet_from", "HH:MM; no scan begins by itself from here"),
    _Option("--quiet-until", "quiet_until", "HH:MM"),
    _Option("--connections", "connections", "at once, all workers together"),
    _Option("--requests-per-minute", "requests_per_minute", "all workers together"),
)
_KINDS: Final = {"variable": {"metavar": "VAR"}, "file": {"metavar": "FILE"}, "many": {"action": "append"}, "": {}}
_FLAGS: Final = {
    **{option.field: option.flag for option in _OPTIONS},
    "password": "--password-env",
    "username": "--username",
    "interval_minutes": "--interval",
    "namespaces": "--namespace",
    "entered_repositories": "--repository",
}


def add_options(parser: CommandParser) -> None:
    """Declare them."""
    parser.add_argument("--auth-method", choices=AuthMethod.values, help="default: user name and password, if any")
    for option in _OPTIONS:
        kind: dict[str, Any] = _KINDS[option.of]
        parser.add_argument(option.flag, help=option.help, **kind)


def read_values(options: Mapping[str, Any], url: str, password: str | None, now: datetime) -> RegistryValues:
    """What was given, as the form reads it.

    :raises CommandError: which names each argument and what is wrong with it.
    """
    form = RegistryForm(_entered(options, url, password), now=now)
    form.is_valid()
    # Whoever names none now may do so later: the first scan says what to enter.
    wrong = {name: found for name, found in form.errors.items() if name != "namespaces" or options["namespace"]}
    if wrong:
        raise CommandError("\n".join(f"{_FLAGS.get(name, name)}: {found[0]}" for name, found in wrong.items()))
    return form.values()


def _entered(options: Mapping[str, Any], url: str, password: str | None) -> dict[str, object]:
    method = options["auth_method"] or (AuthMethod.PASSWORD if options["username"] else ANONYMOUS)
    when = CRON if options["cron"] else INTERVAL if options["interval"] else NEVER
    given = {option.field: _given(option, options[option.name]) for option in _OPTIONS if options[option.name]}
    return {
        "connections": "16",
        **given,
        "name": options["name"],
        "url": url,
        "policy": options["policy"],
        "product": options["product"] or "",
        "namespaces": "\n".join(options["namespace"]),
        "entered_repositories": "\n".join(options["repository"]),
        "auth_method": method,
        "username": options["username"],
        "password": password or "",
        "verify_tls": not options["insecure"],
        # Whoever has a shell here may name what this machine reaches; the setting of the whole site still wins.
        "allow_private": not options["public_only"],
        "when": when,
        "interval_minutes": str(options["interval"]),
        "enabled": True,
    }


def _given(option: _Option, value: Any) -> str:
    if option.of == "many":
        return "\n".join(value)
    if option.of == "variable":
        return from_variable(value)
    return _from_file(option, value) if option.of == "file" else str(value)


def from_variable(name: str) -> str:
    """What an environment variable holds.

    :raises CommandError: for one that is not set.
    """
    found = os.environ.get(name)
    if not found:
        raise CommandError(f"The environment variable {name} is not set. Export it first.")
    return found


def _from_file(option: _Option, path: str) -> str:
    try:
        with Path(path).open(encoding="ascii") as file:
            return file.read(_MOST_FILE_CHARACTERS)
    except (OSError, ValueError) as error:
        raise CommandError(f"{option.flag}: {path} cannot be read as PEM ({error}).") from error
