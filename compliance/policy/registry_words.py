"""The settings of a registry in words."""

from __future__ import annotations

from collections.abc import Sequence

from compliance.policy.registry_values import RegistryValues
from compliance.policy.scan_scope import ScanScope

_NAMED = 4


def scope_sentence(scope: ScanScope) -> str:
    """What is scanned, for example ``repositories team/* but not */cache, the newest 50 tags of each, linux/amd64``."""
    repositories = _selection("repositories", scope.include_repositories, scope.exclude_repositories)
    tags = _selection("tags", scope.include_tags, scope.exclude_tags)
    parts = [f"all {repositories}" if not scope.include_repositories else repositories]
    if scope.newest_tags is not None:
        newest = "newest tag" if scope.newest_tags == 1 else f"newest {scope.newest_tags:,} tags"
        parts.append(f"the {newest} of each" + (f" among {tags}" if tags != "tags" else ""))
    else:
        parts.append(f"all {tags}" if not scope.include_tags else tags)
    if scope.pushed_within_days is not None:
        days = scope.pushed_within_days
        parts.append("pushed within the last " + ("day" if days == 1 else f"{days:,} days"))
    parts.append(_listed(scope.platforms) if scope.platforms else "every platform")
    return ", ".join(parts)


def network_words(values: RegistryValues, *, client_key: bool, proxy: bool) -> str:
    """How it is reached: what differs from a public registry that everybody's system trusts.

    :param client_key: whether one is stored or entered; neither shows itself.
    """
    said = [
        "" if values.verify_tls else "certificate not verified",
        "an authority of its own" if values.extra_ca else "",
        "a client certificate" if values.client_certificate and client_key else "",
        "through a proxy" if proxy else "",
    ]
    return ", ".join(one for one in said if one) or "the system's authorities, no proxy"


def limits_words(values: RegistryValues) -> str:
    """How much it is asked at once."""
    connections = "one connection" if values.connections == 1 else f"{values.connections} connections"
    if values.requests_per_minute is None:
        return f"{connections} at once, as many requests as it answers"
    return f"{connections} at once, at most {values.requests_per_minute:,} requests a minute"


def _selection(what: str, include: Sequence[str], exclude: Sequence[str]) -> str:
    wanted = f"{what} {_listed(include)}" if include else what
    return f"{wanted} but not {_listed(exclude)}" if exclude else wanted


def _listed(names: Sequence[str]) -> str:
    shown = [*names[:_NAMED], f"{len(names) - _NAMED:,} more"] if len(names) > _NAMED else list(names)
    return f"{', '.join(shown[:-1])} and {shown[-1]}" if len(shown) > 1 else shown[0]
