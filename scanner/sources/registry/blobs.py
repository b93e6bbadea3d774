"""Streams a blob, whole and in order, over a connection that may break once."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial

from scanner.domain.problems import Unavailable
from scanner.domain.reference import Digest, RepositoryName
from scanner.sources.registry.addresses import Target
from scanner.sources.registry.asking import Asker
from scanner.sources.registry.auth import pull_scope
from scanner.sources.registry.errors import refused, unavailable
from scanner.sources.registry.exchange import Answer, Call, Question, content_length


def read_range(asker: Asker, repository: RepositoryName, digest: Digest, start: int, length: int) -> bytes | None:
    """Read some bytes of a blob; ``None`` where the registry, or the storage it leads to, gives whole blobs only.

    :raises SourceProblem: ``truncated``, ``protocol-error``, ``blob-unknown`` and others.
    """
    return asker.insist(partial(_read_range, asker, f"/v2/{repository}/blobs/{digest}", (repository, start, length)))


def _read_range(asker: Asker, path: str, part: tuple[RepositoryName, int, int], call: Call) -> bytes | None:
    repository, start, length = part
    subject = f"{length} bytes of {path}"
    question = Question("GET", asker.target(path), {"Range": f"bytes={start}-{start + length - 1}"})
    with asker.ask(question, pull_scope(repository), call) as answer:
        if answer.response.status == 200:
            return None
        if answer.response.status != 206:
            raise asker.courier.problem(answer, subject, unknown="blob-unknown")
        if not (answer.response.header("Content-Range") or "").startswith(f"bytes {start}-{start + length - 1}/"):
            raise refused("protocol-error", f"{subject}: the registry answered with other bytes")
        answer.response.expect(length)
        received = bytearray()
        for chunk in asker.courier.chunks(answer):
            received += chunk
            if len(received) > length:
                raise refused("protocol-error", f"{subject}: the registry sends more")
    if len(received) < length:
        raise unavailable("truncated", f"{subject}: ended early")
    return bytes(received)


@dataclass(frozen=True, slots=True)
class BlobReader:
    """One blob of exactly ``size`` bytes."""

    asker: Asker
    repository: RepositoryName
    digest: Digest
    size: int

    def stream(self) -> Generator[bytes, None, None]:
        """Yield the bytes; where the connection breaks, ask once for the rest.

        :raises SourceProblem: ``truncated``, ``digest-mismatch`` for another size, ``blob-unknown`` and others.
        """
        received = 0
        for is_last in (False, True):
            with ExitStack() as stack:
                answer = self.asker.insist(partial(self._open, stack, received))
                try:
                    for chunk in self._rest(answer, self.size - received):
                        received += len(chunk)
                        yield chunk
                except Unavailable:
                    if is_last:
                        raise
                else:
                    return

    @property
    def _target(self) -> Target:
        return self.asker.target(f"/v2/{self.repository}/blobs/{self.digest}")

    def _rest(self, answer: Answer, left: int) -> Iterator[bytes]:
        if left != self.size and answer.response.status == 200:
            raise unavailable("truncated", f"{self._name}: the registry cannot continue a broken transfer")
        length = content_length(answer)
        if length is not None and length != left:
            raise refused("digest-mismatch", f"{self._name}: {length} bytes where the manifest says {left}")
        answer.response.expect(left)
        for chunk in self.asker.courier.chunks(answer):
            left -= len(chunk)
            if left < 0:
                raise refused("digest-mismatch", f"{self._name}: more than the {self.size} bytes the manifest says")
            yield chunk
        if left:
            raise unavailable("truncated", f"{self._name}: ended {left} bytes early")

    @property
    def _name(self) -> str:
        return f"blob {self.digest} of {self.repository}"

    def _open(self, stack: ExitStack, start: int, call: Call) -> Answer:
        headers = {"Range": f"bytes={start}-"} if start else {}
        with ExitStack() as attempt:
            question = Question("GET", self._target, headers)
            answer = attempt.enter_context(self.asker.ask(question, pull_scope(self.repository), call))
            status = answer.response.status
            if status != 200 and not (start and status == 206):
                raise self.asker.courier.problem(answer, self._name, unknown="blob-unknown")
            if status == 206 and not (answer.response.header("Content-Range") or "").startswith(f"bytes {start}-"):
                raise refused("protocol-error", f"{self._name}: the registry continued at the wrong place")
            stack.enter_context(attempt.pop_all())
            return answer
