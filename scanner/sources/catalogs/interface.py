"""Asks a product's own interface (REST, JSON) beside ``/v2/``, often on another host than the registry.

It goes over the registry's own connections, so addresses are judged, answers bounded and questions repeated as for
every other request. Unlike the registry it is never asked what it demands: the caller chose what it is shown, and a
redirect to another host is an error instead of a question without the credential.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

from scanner.domain.limits import Limits
from scanner.domain.problems import Refused, SourceProblem
from scanner.sources.catalogs.product import Wanted
from scanner.sources.registry.addresses import Origin, Target
from scanner.sources.registry.client import RegistrySource
from scanner.sources.registry.credentials import Credential, without
from scanner.sources.registry.errors import refused, unavailable
from scanner.sources.registry.exchange import Answer, Call, Question
from scanner.sources.registry.json_body import json_value
from scanner.sources.registry.paging import Page, names_of_all_pages, next_page, on_same_origin

_JSON: Final = {"Accept": "application/json"}
# What may stand in an Authorization header (RFC 6750): a token with a line break would be a header of its own.
_TOKEN: Final = re.compile(r"[!-~]+", re.ASCII)
_QUARTER_HOUR: Final = 900.0
_OF_ONE_NAMESPACE: Final = frozenset({"denied", "namespace-unknown"})
_OF_CREDENTIAL: Final = _OF_ONE_NAMESPACE | {"auth-failed"}


@dataclass(frozen=True, slots=True)
class Reply:
    """One JSON answer: where it came from, its document, and its ``Link`` headers."""

    target: Target
    document: object
    links: tuple[str, ...]
    next_page_header: str | None = None

    def member(self, key: str) -> object:
        """One value of the object that the document must be.

        :raises Refused: ``protocol-error``.
        """
        if not isinstance(self.document, Mapping):
            raise refused("protocol-error", f"GET {self.target.origin}: the answer is not a JSON object")
        return self.document.get(key)

    def objects(self, value: object) -> list[Mapping[str, object]]:
        """Read a list of objects; null is Go's empty list.

        :raises Refused: ``protocol-error``.
        """
        if value is None:
            return []
        if not isinstance(value, list) or not all(isinstance(item, Mapping) for item in value):
            raise refused("protocol-error", f"GET {self.target.origin}: the answer is not a list of objects")
        return value

    def text(self, item: Mapping[str, object], key: str) -> str:
        """Read a string that must be there.

        :raises Refused: ``protocol-error``.
        """
        value = item.get(key)
        if not isinstance(value, str):
            raise refused("protocol-error", f"GET {self.target.origin}: {key} is not a string")
        return value

    def linked(self) -> Target | None:
        """The next page, by the ``Link`` header.

        :raises Refused: ``pagination-forbidden``.
        """
        return next_page(self.target, self.links)

    def located(self, location: object) -> Target | None:
        """The next page, by an address in the document; ``None`` where there is none.

        :raises Refused: ``pagination-forbidden``, ``protocol-error``.
        """
        if location is None or location == "":
            return None
        if not isinstance(location, str):
            raise refused("protocol-error", f"GET {self.target.origin}: the next page is not a string")
        return on_same_origin(self.target, location)


Read = Callable[[Reply], Page]
"""Takes the names and the next page out of an answer."""


@dataclass(frozen=True, slots=True)
class Interface:
    """One product's interface, as one credential sees it.

    :param authorization: makes the header's value for each request; ``None`` from it: nothing is shown.
    :param secrets: what its errors must not repeat.
    :param remedy: what to enter where it refuses.
    """

    source: RegistrySource
    origin: Origin
    authorization: Callable[[], str | None] = field(default=lambda: None, repr=False)
    secrets: tuple[str, ...] = field(default=(), repr=False)
    remedy: str = ""
    headers: Mapping[str, str] = field(default_factory=lambda: _JSON)

    def names(self, path: str, read: Read, limits: Limits) -> Iterator[str]:
        """Stream the names on all pages, from the one at ``path``.

        :raises SourceProblem: also from the stream; ``pagination-loop``, ``too-large`` and others.
        """
        first = self.page(Target(self.origin, path), read)
        yield from names_of_all_pages(first, lambda target: self.page(target, read), "repositories", limits)

    def page(self, target: Target, read: Read) -> Page:
        """Read one page.

        :raises SourceProblem: ``auth-failed``, ``denied``, ``namespace-unknown``, ``protocol-error`` and others.
        """
        return read(self.get(target))

    def get(self, target: Target) -> Reply:
        """GET one JSON answer.

        :raises SourceProblem: for any status but 200.
        """
        question = Question("GET", target, self.headers, authorization=self.authorization())
        return self.source.asker.insist(lambda call: self._reply(question, call))

    def _reply(self, question: Question, call: Call) -> Reply:
        courier = self.source.asker.courier
        target = question.target
        subject = f"GET {target.origin}{target.path.partition('?')[0]}"
        with courier.send(question, call) as answer:
            if not answer.stayed:
                raise refused("redirect-forbidden", f"{subject} redirects to {answer.target.origin}")
            if answer.response.status != 200:
                raise self._problem(answer, subject)
            document = json_value(courier.body(answer, "listing_bytes", subject), subject)
            links = tuple(answer.response.headers("Link"))
            return Reply(target, document, links, answer.response.header("X-Next-Page"))

    def _problem(self, answer: Answer, subject: str) -> SourceProblem:
        problem = self.source.asker.courier.problem(answer, subject, unknown="namespace-unknown")
        message = without(problem.message, self.secrets)
        if answer.response.status == 403 and answer.response.header("X-RateLimit-Remaining") == "0":
            return unavailable("rate-limited", message, retry_after=_QUARTER_HOUR)  # GitHub's way to say 429
        problem.message = message
        if problem.code in _OF_CREDENTIAL and self.remedy:
            problem.remedy = self.remedy
        return problem


def credential_for(source: RegistrySource, wanted: Wanted, *, serves: bool) -> Credential | None:
    """What an interface is shown: the token for it, or else the registry's own credential where it serves there too.

    :param serves: whether it was entered for a host whose makers say that it does.
    """
    own = source.asker.credential
    if wanted.api_token is not None or own is None or not serves or own.is_identity_token or own.is_registry_token:
        return wanted.api_token  # a refresh token is for the token service only, a registry token for the registry
    return own


def bearer(credential: Credential) -> Callable[[], str]:
    """Show the password as a bearer token.

    :raises Refused: ``auth-failed`` for one that can be none.
    """
    if not _TOKEN.fullmatch(credential.password):
        raise refused("auth-failed", "The token holds characters that no token has")
    return credential.bearer


def of_registry(source: RegistrySource, credential: Credential | None, remedy: str) -> Interface:
    """The interface on the registry's own origin, with a user name and password or a token.

    A refresh token is for the token service only, so nothing is shown then.
    """
    if credential is None or credential.is_identity_token:
        return Interface(source, source.url, remedy=remedy)
    shows = bearer(credential) if credential.is_registry_token or not credential.username else credential.basic
    return Interface(source, source.url, shows, credential.secrets(), remedy)


def every(listings: Iterable[Iterator[str]], limits: Limits) -> Iterator[str]:
    """Stream several listings as one: each name once, and no more than the limit together.

    A namespace that is unknown or closed does not keep the others from being listed; its problem is raised at the end.

    :raises Refused: ``too-large``, and whatever a listing raises.
    """
    seen: set[str] = set()
    closed: Refused | None = None
    for names in listings:
        try:
            for name in names:
                if name in seen:
                    continue
                seen.add(name)
                if len(seen) > limits.repositories:
                    what = f"The listing has more than {limits.repositories} repositories"
                    raise refused("too-large", what, limit="repositories")
                yield name
        except Refused as problem:
            if problem.code not in _OF_ONE_NAMESPACE:
                raise
            closed = closed or problem
    if closed is not None:
        raise closed


def namespaces_missing(what: str) -> Refused:
    """The problem of a product that lists nothing unless it is told where.

    :param what: what to enter, as the product calls it.
    """
    message = f"Which repositories there are can only be asked for {what}, and none was entered"
    return Refused("namespaces-missing", message, remedy=f"Enter {what}, or the repositories one by one.")
