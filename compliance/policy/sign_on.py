"""Single sign-on: with which provider, and what its answers have to be before anybody is let in by them.

A decision over values that came from elsewhere: every one of them may have another type, length or meaning than the
specification says (OpenID Connect Core 1.0; Discovery 1.0). ``services.read_id_token`` has checked the signature.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final
from unicodedata import normalize
from urllib.parse import urlsplit

MOST_GROUPS: Final = 1_000
LONGEST_GROUP: Final = 200
LONGEST_SUBJECT: Final = 191
"""What django-allauth's column holds; the specification allows 255, and nobody is known to use them."""

_LONGEST_ISSUER: Final = 200
"""What django-allauth's column holds."""

_ADDRESS: Final = re.compile(r"[!-~]{1,1000}")
"""No blank, and nothing that has to be written in another way before it is asked."""

SKEW: Final = timedelta(minutes=1)
"""How far the provider's clock may be from ours."""

_SCHEMES: Final = ("https", "http")
_SCOPES: Final = "openid profile email"
_LABEL: Final = "Log in with single sign-on"
_LONGEST_NAME: Final = 150
_LONGEST_MAIL: Final = 254
_ENDPOINTS: Final = ("authorization_endpoint", "token_endpoint", "jwks_uri")
_ODD: Final = re.compile(r"[^\w.@+\-]")

WORDS: Final[Mapping[str, str]] = {
    "state": (
        "This login took longer than ten minutes, was begun in another browser, was finished already, or the provider "
        "refused it. Begin again."
    ),
    "cancelled": (
        "The provider says that the login was cancelled or is not allowed there. Begin again, or ask whoever manages "
        "the provider to let you in here."
    ),
    "unreachable": (
        "The provider cannot be reached, or does not answer in time. Try again in a while; who has a password here "
        "logs in with that meanwhile."
    ),
    "provider": (
        "The provider's answer is not what OpenID Connect says. Ask whoever runs this site: what is wrong with it is "
        "in the log."
    ),
    "configuration": (
        "The provider calls itself by another address than the one that was entered here. Ask whoever runs this site "
        "to correct it."
    ),
    "token": (
        "What the provider sent does not prove who you are: it is for another site, of another login, or too old, or "
        "one of the clocks is wrong. Begin again; if that does not help, ask an administrator: the audit trail says "
        "which."
    ),
    "groups": (
        "The provider did not send your groups in a form that can be read here. Ask an administrator: what is wrong "
        "with them is in the audit trail."
    ),
    "unmapped": (
        "Nobody has said yet what your groups may see here, so no account was made. Ask an administrator of this site "
        "to add one of your groups under Settings → Single sign-on, or whoever manages your groups to add you to one."
    ),
    "inactive": "Your account here is deactivated. Ask an administrator.",
    "taken": (
        "Somebody else has connected this account of the provider here. Log in there with another one, or ask an "
        "administrator."
    ),
    "other": (
        "You logged in there as somebody else than the one who is connected here. Log out at the provider, and try "
        "again."
    ),
    "left": "You were logged out here meanwhile. Log in, and begin again.",
}
"""Why nobody was let in, and what to do."""


class SignOnRefused(Exception):
    """Nobody is let in; ``code`` is one of ``WORDS``.

    :param detail: for administrators, of our own words and names of claims alone: nothing a provider sent.
    """

    def __init__(self, code: str, detail: str = "") -> None:
        super().__init__(f"{code}: {detail}")
        self.code = code
        self.detail = detail
        self.words = WORDS[code]


@dataclass(frozen=True, slots=True)
class SignOn:
    """The provider, as the environment says.

    :param groups: the claim that names somebody's groups.
    """

    issuer: str
    client_id: str
    client_secret: str = field(repr=False)
    groups: str = "groups"
    label: str = _LABEL
    scopes: tuple[str, ...] = tuple(_SCOPES.split())


@dataclass(frozen=True, slots=True)
class Identity:
    """Who came, by what was proved. ``issuer`` and ``subject`` say who it is; all else only what they are called."""

    issuer: str
    subject: str
    groups: frozenset[str]
    username: str = ""
    email: str = ""
    first_name: str = ""
    last_name: str = ""


def read_sign_on(values: Mapping[str, str]) -> SignOn | None:
    """Read the variables, by their names; ``None`` where none is set.

    :raises ValueError: for a half of them, naming what is missing, and for an issuer that cannot be one.
    """
    needed = ("PLIMSOLL_OIDC_ISSUER", "PLIMSOLL_OIDC_CLIENT_ID", "PLIMSOLL_OIDC_CLIENT_SECRET")
    given = {name: text.strip() for name, text in values.items() if text.strip()}
    if not given:
        return None
    if missing := [name for name in needed if name not in given]:
        raise ValueError(f"Single sign-on is set up by half: {' and '.join(missing)} must be set too, or none of them")
    issuer = given["PLIMSOLL_OIDC_ISSUER"]
    if len(issuer) > _LONGEST_ISSUER or not _is_address(issuer, _SCHEMES):
        raise ValueError("PLIMSOLL_OIDC_ISSUER must be an address like https://login.example/realms/staff")
    scopes = given.get("PLIMSOLL_OIDC_SCOPES", _SCOPES).split()
    if "openid" not in scopes:
        raise ValueError("PLIMSOLL_OIDC_SCOPES must name openid")
    return SignOn(
        issuer,
        given["PLIMSOLL_OIDC_CLIENT_ID"],
        given["PLIMSOLL_OIDC_CLIENT_SECRET"],
        given.get("PLIMSOLL_OIDC_GROUPS", "groups"),
        given.get("PLIMSOLL_OIDC_LABEL", _LABEL),
        tuple(scopes),
    )


def check_configuration(found: Mapping[str, Any], issuer: str) -> dict[str, Any]:
    """What the provider says of itself, where it is the provider that was entered and its addresses can be asked.

    :raises SignOnRefused: ``configuration``, ``provider``.
    """
    if found.get("issuer") != issuer:
        raise SignOnRefused("configuration", "the discovery document names another issuer")
    schemes = ("https",) if urlsplit(issuer).scheme == "https" else _SCHEMES
    for name in _ENDPOINTS:
        if not _is_address(found.get(name), schemes):
            raise SignOnRefused("provider", f"{name} is no address that can be asked")
    if re.search("[?#]", found["authorization_endpoint"]):
        raise SignOnRefused("provider", "authorization_endpoint has a query")
    methods = found.get("token_endpoint_auth_methods_supported", [])
    kept: dict[str, Any] = {name: found[name] for name in ("issuer", *_ENDPOINTS)}
    return {**kept, "token_endpoint_auth_methods_supported": methods if isinstance(methods, list) else []}


def _is_address(value: object, schemes: Collection[str]) -> bool:
    if not isinstance(value, str) or not _ADDRESS.fullmatch(value):
        return False
    try:
        parts = urlsplit(value)
    except ValueError:
        return False
    return parts.scheme in schemes and bool(parts.hostname)


def check_claims(
    claims: Mapping[str, Any],
    wanted: SignOn,
    *,
    nonce: str,
    now: datetime,
    fresh: timedelta | None = None,
) -> Identity:
    """Who it is, where the claims of an ID token are for us, for this login and for now (Core 1.0, 3.1.3.7).

    :param fresh: how long ago the password may have been entered at the provider; ``None``: whenever.
    :raises SignOnRefused: ``token``, ``groups``.
    """
    if claims.get("iss") != wanted.issuer:
        raise SignOnRefused("token", "iss is another issuer")
    _check_audience(claims, wanted.client_id)
    if not nonce or claims.get("nonce") != nonce:
        raise SignOnRefused("token", "nonce is of another login")
    _check_times(claims, now, fresh)
    subject = claims.get("sub")
    if not isinstance(subject, str) or not 0 < len(subject) <= LONGEST_SUBJECT or not subject.isprintable():
        raise SignOnRefused("token", "sub is no text that can be kept")
    return Identity(
        wanted.issuer,
        subject,
        read_groups(claims, wanted.groups),
        username=_username(claims),
        email=_email(claims),
        first_name=_name(claims, "given_name"),
        last_name=_name(claims, "family_name"),
    )


def _check_audience(claims: Mapping[str, Any], client_id: str) -> None:
    audience = claims.get("aud")
    audiences = [audience] if isinstance(audience, str) else audience
    if not isinstance(audiences, list) or client_id not in audiences:
        raise SignOnRefused("token", "aud is another client")
    party = claims.get("azp", None if len(audiences) > 1 else client_id)
    if party != client_id:
        raise SignOnRefused("token", "azp is another client")


def _check_times(claims: Mapping[str, Any], now: datetime, fresh: timedelta | None) -> None:
    at, skew = now.timestamp(), SKEW.total_seconds()
    if _moment(claims, "exp") + skew <= at:
        raise SignOnRefused("token", "exp is over")
    if _moment(claims, "iat") - skew > at:
        raise SignOnRefused("token", "iat is in the future: one of the clocks is wrong")
    if "nbf" in claims and _moment(claims, "nbf") - skew > at:
        raise SignOnRefused("token", "nbf is in the future")
    if fresh is not None and _moment(claims, "auth_time") + fresh.total_seconds() + skew < at:
        raise SignOnRefused("token", "auth_time is too long ago")


def _moment(claims: Mapping[str, Any], name: str) -> float:
    value = claims.get(name)
    # True is an int to Python; NaN compares with nothing.
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < 2**40:
        raise SignOnRefused("token", f"{name} is no moment")
    return float(value)


def read_groups(claims: Mapping[str, Any], name: str) -> frozenset[str]:
    """The groups a claim names; none where it is not there. What is too long to be in a rule is left out.

    :raises SignOnRefused: ``groups``, since nobody must lose a team because a list was cut off or garbled.
    """
    if name not in claims:
        elsewhere = claims.get("_claim_names")
        if claims.get("hasgroups") or (isinstance(elsewhere, dict) and name in elsewhere):
            raise SignOnRefused("groups", f"{name} was left out, as there are too many: have the provider send fewer")
        return frozenset()
    value = claims[name]
    values = [value] if isinstance(value, str) else value
    if not isinstance(values, list) or not all(isinstance(each, str) for each in values):
        raise SignOnRefused("groups", f"{name} is no list of texts")
    if len(values) > MOST_GROUPS:
        raise SignOnRefused("groups", f"{name} has more than {MOST_GROUPS}: have the provider send fewer")
    return frozenset(each for each in values if each and len(each) <= LONGEST_GROUP and each.isprintable())


def _username(claims: Mapping[str, Any]) -> str:
    """What the account may be called; it says nothing of who it is."""
    for name in ("preferred_username", "email"):
        value = claims.get(name)
        # As forms write names: a letter of another width is the same letter.
        plain = normalize("NFKC", value) if isinstance(value, str) else ""
        if wanted := _ODD.sub("", plain)[:_LONGEST_NAME].partition("@")[0]:
            return wanted
    return ""


def _email(claims: Mapping[str, Any]) -> str:
    value = claims.get("email")
    if not isinstance(value, str) or len(value) > _LONGEST_MAIL or not value.isprintable():
        return ""
    return value if claims.get("email_verified", True) is True else ""


def _name(claims: Mapping[str, Any], name: str) -> str:
    value = claims.get(name)
    return value[:_LONGEST_NAME] if isinstance(value, str) and value.isprintable() else ""
