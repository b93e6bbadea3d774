"""A registry as a source of images: the distribution API (OCI distribution-spec 1.1, CNCF distribution's catalog)."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from types import TracebackType
from typing import Final, Self, TypeVar

from scanner.domain.limits import DEFAULT_LIMITS, Limits
from scanner.domain.problems import Refused
from scanner.domain.reference import (
    Digest,
    InvalidReference,
    RepositoryName,
    TagName,
    parse_digest,
    parse_repository,
    parse_tag,
)
from scanner.sources.registry.addresses import RegistryUrl, Target
from scanner.sources.registry.asking import Access, Asker
from scanner.sources.registry.auth import CATALOG_SCOPE, pull_scope
from scanner.sources.registry.blobs import BlobReader, read_range
from scanner.sources.registry.errors import refused
from scanner.sources.registry.exchange import Answer, Call, Question, content_length
from scanner.sources.registry.json_body import json_object
from scanner.sources.registry.media_types import ACCEPT_DOCUMENT, bare_media_type
from scanner.sources.registry.paging import Page, names_of_all_pages, next_page
from scanner.sources.source import Document, Resolved, Traffic

T = TypeVar("T")
Lists = Callable[["RegistrySource"], Iterator[RepositoryName]]
"""How a registry product names its repositories."""

_DOCUMENT: Final = {"Accept": ACCEPT_DOCUMENT}
_PAGE_SIZES: Final = (1_000, 100, None)
_NAMES_REMEMBERED = 20


class RegistrySource:
    """One registry; a ``Source`` that several threads may use at once. Close it, or use it in ``with``.

    :param lists: how its product names the repositories; ``None``: by the registry's own catalog.
    """

    def __init__(
        self,
        url: RegistryUrl,
        access: Access | None = None,
        *,
        limits: Limits = DEFAULT_LIMITS,
        lists: Lists | None = None,
    ) -> None:
        self.url = url
        self.limits = limits
        self._lists = lists
        self.unusable_names: list[str] = []
        """Listed names outside the grammar, the first few; nothing can be asked about them."""
        self.asker = Asker(url, access or Access(), limits)
        self.traffic: Traffic = self.asker.meter.traffic

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self.asker.close()

    def ping(self) -> Mapping[str, str]:
        """Ask ``/v2/`` with what the registry demands and return the headers a person may want to see.

        :raises SourceProblem: when this is no registry, or it does not let us in.
        """
        target = self.asker.target("/v2/")
        return self.asker.insist(lambda call: self._ping(target, call))

    def repositories(self) -> Iterator[RepositoryName]:
        """Stream the names of all repositories, as the registry's product lists them.

        :raises SourceProblem: also from the stream, after the names that came before it.
        """
        return self._lists(self) if self._lists else self.catalog()

    def catalog(self) -> Iterator[RepositoryName]:
        """Stream the names in the registry's own catalog.

        :raises SourceProblem: ``catalog-unsupported`` where a registry has none.
        """
        first = self._first_catalog_page()
        names = names_of_all_pages(
            first,
            lambda target: self.page(target, CATALOG_SCOPE, "repositories"),
            "repositories",
            self.limits,
        )
        return self.usable(names)

    def tags(self, repository: RepositoryName) -> Iterator[TagName]:
        """Stream the tags of one repository.

        :raises SourceProblem: ``repository-unknown`` and others.
        """
        scope = pull_scope(repository)
        names = names_of_all_pages(
            self.page(self.asker.target(f"/v2/{repository}/tags/list?n={_PAGE_SIZES[0]}"), scope, "tags"),
            lambda target: self.page(target, scope, "tags"),
            "tags",
            self.limits,
        )
        return self._usable(names, parse_tag)

    def resolve(self, repository: RepositoryName, tag: TagName) -> Resolved:
        """Ask by HEAD what a tag points to; only where no digest comes back, GET the document and hash it.

        :raises SourceProblem: ``manifest-unknown`` and others.
        """
        resolved = self.asker.insist(lambda call: self._head(repository, tag, call))
        if resolved:
            return resolved
        document = self.document(repository, tag)
        return Resolved(document.digest, document.media_type, len(document.body))

    def document(self, repository: RepositoryName, reference: TagName | Digest) -> Document:
        """GET a manifest or index and hash it.

        :raises SourceProblem: ``digest-mismatch``, ``manifest-unknown``, ``too-large`` and others.
        """
        return self.asker.insist(lambda call: self._document(repository, reference, call))

    @contextmanager
    def blob(self, repository: RepositoryName, digest: Digest, size: int) -> Iterator[Iterator[bytes]]:
        """Stream a blob of exactly ``size`` bytes; a connection that breaks is taken up again once.

        :raises SourceProblem: also from the stream: ``truncated``, ``too-large``, ``timeout``.
        """
        stream = BlobReader(self.asker, repository, digest, size).stream()
        try:
            yield stream
        finally:
            stream.close()

    def blob_range(self, repository: RepositoryName, digest: Digest, start: int, length: int) -> bytes | None:
        """Read exactly these bytes of a blob, which nothing vouches for; ``None`` where it comes only whole.

        :raises SourceProblem: ``truncated``, ``protocol-error``, ``blob-unknown`` and others.
        """
        return read_range(self.asker, repository, digest, start, length)

    @property
    def rate_limit(self) -> Mapping[str, str]:
        """The rate limit headers the registry sent last; empty where it sends none."""
        return self.asker.rate_limit

    def _ping(self, target: Target, call: Call) -> Mapping[str, str]:
        answer, _ = self.asker.get(target, "", call, "not-found")
        wanted = ("Docker-Distribution-Api-Version", "Server")
        return {name: value for name in wanted if (value := answer.response.header(name)) is not None}

    def _first_catalog_page(self) -> Page:
        for size in _PAGE_SIZES:
            query = f"?n={size}" if size else ""
            try:
                return self.page(self.asker.target(f"/v2/_catalog{query}"), CATALOG_SCOPE, "repositories")
            except Refused as problem:
                if "PAGINATION_NUMBER_INVALID" not in problem.message:
                    raise
        raise refused("protocol-error", f"{self.url} accepts no page size for its catalog")

    def page(self, target: Target, scope: str, key: str) -> Page:
        """Read one page of a listing.

        :param key: ``repositories`` or ``tags``.
        :raises SourceProblem: ``protocol-error`` for anything that is not a list of names, and others.
        """
        unknown = "repository-unknown" if key == "tags" else "catalog-unsupported"
        answer, body = self.asker.insist(lambda call: self.asker.get(target, scope, call, unknown))
        return Page(listed_names(body, key, target), next_page(target, answer.response.headers("Link")))

    def usable(self, names: Iterator[str]) -> Iterator[RepositoryName]:
        """Keep the names of repositories that are in the grammar, and remember the first others."""
        return self._usable(names, parse_repository)

    def _usable(self, names: Iterator[str], parse: Callable[[str], T]) -> Iterator[T]:
        for name in names:
            try:
                yield parse(name)
            except InvalidReference:
                if len(self.unusable_names) < _NAMES_REMEMBERED:
                    self.unusable_names.append(name[:200])

    def _head(self, repository: RepositoryName, tag: TagName, call: Call) -> Resolved | None:
        target = self.asker.target(f"/v2/{repository}/manifests/{tag}")
        with self.asker.ask(Question("HEAD", target, _DOCUMENT), pull_scope(repository), call) as answer:
            status = answer.response.status
            if status == 405:
                return None
            if status != 200:
                raise self.asker.courier.problem(answer, f"HEAD {target.path}", unknown="manifest-unknown")
            answer.response.end()
            media_type = _document_type(answer, target)
            digest = _digest_header(answer)
            if digest is None:
                return None
            return Resolved(digest, media_type, content_length(answer))

    def _document(self, repository: RepositoryName, reference: TagName | Digest, call: Call) -> Document:
        target = self.asker.target(f"/v2/{repository}/manifests/{reference}")
        subject = f"GET {target.path}"
        with self.asker.ask(Question("GET", target, _DOCUMENT), pull_scope(repository), call) as answer:
            if answer.response.status != 200:
                raise self.asker.courier.problem(answer, subject, unknown="manifest-unknown")
            media_type = _document_type(answer, target)
            body = self.asker.courier.body(answer, "manifest_bytes", subject)
            expected = Digest(reference) if ":" in reference else _digest_header(answer)
        return Document(_verified(body, expected, subject), media_type, body)


def listed_names(body: bytes, key: str, target: Target) -> list[str]:
    """Take the names out of one page of a listing.

    :raises Refused: ``protocol-error`` for anything that is not a list of names.
    """
    names = json_object(body, f"GET {target.path}").get(key)
    if names is None:  # Go's nil slice: an empty repository
        return []
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise refused("protocol-error", f"GET {target.path}: {key} is not a list of names")
    return names


def _document_type(answer: Answer, target: Target) -> str:
    media_type = bare_media_type(answer.response.header("Content-Type"))
    if media_type == "text/html":
        raise refused("protocol-error", f"{target.path}: the answer is a web page, not a manifest")
    return media_type


def _digest_header(answer: Answer) -> Digest | None:
    try:
        return parse_digest(answer.response.header("Docker-Content-Digest") or "")
    except InvalidReference:
        return None


def _verified(body: bytes, expected: Digest | None, subject: str) -> Digest:
    algorithm = (expected or "sha256:").partition(":")[0]
    found = Digest(f"{algorithm}:{hashlib.new(algorithm, body).hexdigest()}")
    if expected is not None and found != expected:
        raise refused("digest-mismatch", f"{subject}: the bytes are {found}, not {expected}")
    return found
