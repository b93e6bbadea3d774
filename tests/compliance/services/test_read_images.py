"""What hostile documents cost."""

from __future__ import annotations

import tracemalloc
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field

import pytest

from compliance.services.index_layers import LayerShelf
from compliance.services.keep_lease import LeaseKeeper
from compliance.services.read_images import Found, Place, read_images
from scanner.domain.reference import Digest, RepositoryName, TagName
from scanner.sources.source import Document, Resolved, Traffic
from tests.compliance.services.conftest import NOON
from tests.support.artifacts import helm_chart
from tests.support.images import Stored, index


@dataclass
class Shelved:
    """A source that holds some documents and nothing else, and has no time to lose on sockets."""

    documents: Mapping[str, Stored]
    traffic: Traffic = field(default_factory=Traffic)

    def repositories(self) -> Iterator[RepositoryName]:
        return iter(())

    def tags(self, repository: RepositoryName) -> Iterator[TagName]:
        return iter(())

    def resolve(self, repository: RepositoryName, tag: TagName) -> Resolved:
        raise AssertionError(tag)

    def document(self, repository: RepositoryName, reference: TagName | Digest) -> Document:
        stored = self.documents[reference]
        return Document(Digest(stored.digest), stored.media_type, stored.body)

    def blob(self, repository: RepositoryName, digest: Digest, size: int) -> AbstractContextManager[Iterator[bytes]]:
        stored = (stored.blobs.get(digest) for stored in self.documents.values())
        return nullcontext(iter([next(blob for blob in stored if blob is not None)]))


def found(top: Stored, *below: Stored) -> Found:
    """Read one document of a source that holds these."""
    source = Shelved({stored.digest: stored for stored in (top, *below)})
    with ThreadPoolExecutor(2) as executor, LeaseKeeper() as keeper:
        shelf = LayerShelf(lambda layer, keep: pytest.fail("no layer"), executor, keeper, lambda: NOON)
        return read_images(Place(source, RepositoryName("a"), executor, shelf), [Digest(top.digest)])


def test_indexes_that_name_each_other_often_cost_no_more_than_the_limit(db: None) -> None:
    chart = helm_chart("app", "1.0.0")
    low = index([chart] * 200)
    middle = index([low] * 200)
    top = index([middle] * 200)
    tracemalloc.start()
    problem = found(top, middle, low, chart).images[top.digest].problem
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert problem is not None
    assert problem.code == "limit-index-children"
    assert peak < 50_000_000  # eight million children flattened would be half a gigabyte
