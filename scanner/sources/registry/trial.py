"""The upper rungs of a connection test: a registry is asked, a little, for each thing that a scan will need."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from itertools import islice

from scanner.domain.manifest import Descriptor, IndexManifest, parse_document
from scanner.domain.problems import ImageProblem, Refused, SourceProblem
from scanner.domain.reference import Digest, RepositoryName, TagName
from scanner.sources.registry.auth import pull_scope
from scanner.sources.registry.challenge import parse_challenges
from scanner.sources.registry.client import Lists, RegistrySource
from scanner.sources.registry.errors import LISTS_NOTHING, REMEDIES, refused, unavailable
from scanner.sources.registry.exchange import Call, Question
from scanner.sources.registry.granted import granted
from scanner.sources.registry.reaching import Reaching
from scanner.sources.registry.steps import Found, NotNeeded

_MOST_NAMES = 1_000
_FIRST_BYTES = 16
_LISTING_SECONDS = 20.0


@dataclass(slots=True)
class Trial:
    """What is known so far. A rung that does not exist here raises ``NotNeeded``, one that breaks a ``ScanProblem``.

    :param lists: how the registry's product names its repositories.
    """

    reached: Reaching
    stack: ExitStack
    lists: Lists | None = None
    _source: RegistrySource | None = None
    _challenge: list[str] = field(default_factory=list)
    _repository: RepositoryName | None = None
    _tag: TagName | None = None
    _config: Descriptor | None = None

    def heard(self) -> list[str]:
        """What servers answered since this was asked last."""
        return self._source.asker.courier.heard(self.reached.url) if self._source else []

    def api(self) -> Found:
        """Something answers as a registry does."""
        reached = self.reached
        source = RegistrySource(reached.url, reached.access, limits=reached.limits, lists=self.lists)
        self._source = self.stack.enter_context(source)
        asker = source.asker
        with asker.courier.send(Question("GET", asker.target("/v2/")), Call()) as answer:
            response = answer.response
            if response.status not in (200, 401):
                raise asker.courier.problem(answer, "GET /v2/", unknown="not-found")
            version = response.header("Docker-Distribution-Api-Version")
            self._challenge = response.headers("WWW-Authenticate") if response.status == 401 else []
            if response.status == 401 and not self._challenge:
                raise refused("auth-failed", "GET /v2/ answered 401 and names no way to authenticate")
            return Found(version or "it answers as a registry does")

    def demand(self) -> Found:
        """What login it asks for."""
        if not self._challenge:
            raise NotNeeded("the registry lets everybody in here")
        challenges = parse_challenges(self._challenge)
        return Found("; ".join(" ".join([one.scheme, *map("=".join, one.parameters.items())]) for one in challenges))

    def login(self) -> Found:
        """Our credential is accepted."""
        if not self._challenge:
            raise NotNeeded("no credential is demanded here")
        self._opened.ping()
        return Found("accepted" if self.reached.access.credential else "anonymous access granted")

    def catalog(self) -> Found:
        """It names its repositories, or we know some."""
        names: list[RepositoryName] = []
        begun = time.monotonic()
        try:
            names.extend(islice(_for_a_while(self._opened.repositories()), _MOST_NAMES))
        except Refused as problem:
            if problem.code not in LISTS_NOTHING or (not names and problem.code != "catalog-unsupported"):
                raise
            known = f"{problem.message}; {len(names)} are entered" if names else problem.message
            return Found(known, problem.code, problem.remedy)
        finally:
            self._repository = names[0] if names else None
        hasty = len(names) == _MOST_NAMES or time.monotonic() > begun + _LISTING_SECONDS
        return Found(f"{'at least ' if hasty else ''}{len(names)} repositories")

    def scope(self) -> Found:
        """The right to read one repository, by the token that was asked for, and by its tags."""
        if self._repository is None:
            raise NotNeeded("there is no repository to try")
        try:
            self._tag = next(self._opened.tags(self._repository), None)
        except SourceProblem as problem:
            problem.message += "".join(f"; {said}" for said in self._said_of_token())
            raise
        said = [f"{self._repository} can be read", *self._said_of_token()]
        if self._missing():
            return Found("; ".join(said), "scope-narrow", REMEDIES["scope-narrow"])
        return Found("; ".join(said))

    def _token(self) -> tuple[tuple[str, ...], str] | None:
        return self._opened.asker.auth.held(pull_scope(self._repository)) if self._repository else None

    def _said_of_token(self) -> Iterator[str]:
        token = self._token()
        if token:
            yield f"asked for {', '.join(token[0])}"
            says = granted(token[1])
            yield f"the token grants {says}" if says else "the token does not say what it grants"

    def _missing(self) -> tuple[str, ...]:
        token = self._token()
        says = granted(token[1]) if token else None
        return says.lacks(token[0]) if token and says else ()

    def manifest(self) -> Found:
        """One manifest: by HEAD, as every scan asks, and its bytes, as for a new digest (one pull at Docker Hub)."""
        if self._repository is None or self._tag is None:
            raise NotNeeded(f"{self._repository} has no tag to try" if self._repository else "no repository to try")
        source, repository = self._opened, self._repository
        resolved = source.resolve(repository, self._tag)
        detail = f"{repository}:{self._tag} is {resolved.digest}, {resolved.media_type or 'no media type'}"
        try:
            self._config = self._config_of(resolved.digest, resolved.media_type)
        except ImageProblem as problem:
            return Found(f"{detail}; {problem.message}", problem.code, problem.remedy)
        return Found(detail)

    def _config_of(self, digest: Digest, media_type: str) -> Descriptor | None:
        """The config of an image, or of the first image of an index."""
        source, repository = self._opened, self._repository
        for _ in range(source.limits.index_depth):
            if repository is None:
                return None
            document = source.document(repository, digest)
            parsed = parse_document(document.body, document.media_type or media_type, source.limits)
            if not isinstance(parsed, IndexManifest):
                return parsed.config
            if not parsed.manifests:
                return None
            digest, media_type = parsed.manifests[0].digest, parsed.manifests[0].media_type
        return None

    def blob(self) -> Found:
        """The first bytes of one blob, from wherever the registry keeps them."""
        if self._repository is None or self._config is None:
            raise NotNeeded("there is no image to try")
        source, config = self._opened, self._config
        target = source.asker.target(f"/v2/{self._repository}/blobs/{config.digest}")
        question = Question("GET", target, {"Range": f"bytes=0-{_FIRST_BYTES - 1}"})
        with source.asker.ask(question, pull_scope(self._repository), Call()) as answer:
            status = answer.response.status
            if status not in (200, 206):
                raise source.asker.courier.problem(answer, f"blob {config.digest}", unknown="blob-unknown")
            answer.response.expect(_FIRST_BYTES)
            if config.size and not next(iter(source.asker.courier.chunks(answer)), b""):
                raise unavailable("truncated", f"blob {config.digest}: ended before it began")
            place = "" if answer.stayed else f", from {answer.target.origin}"
        if status == 206:
            return Found(f"the first bytes of {config.digest}{place}")
        return Found(f"all of {config.digest}{place}", "range-ignored", REMEDIES["range-ignored"])

    def rate_limit(self) -> Found:
        """How often it may be asked, where it says so."""
        found = self._opened.rate_limit
        if not found:
            raise NotNeeded("the registry names no limit")
        return Found(", ".join(f"{name}: {value}" for name, value in found.items()))

    @property
    def _opened(self) -> RegistrySource:
        if self._source is None:
            raise unavailable("unreachable", "The registry was not reached")
        return self._source


def _for_a_while(names: Iterator[RepositoryName]) -> Iterator[RepositoryName]:
    """A listing may have a thousand pages, each as slow as is allowed."""
    ends = time.monotonic() + _LISTING_SECONDS
    for name in names:
        yield name
        if time.monotonic() > ends:
            return
