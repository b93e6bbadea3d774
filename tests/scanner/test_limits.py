"""Each limit stops what passes it, under a code of its own, and the error says which setting to change."""

from __future__ import annotations

import re
import socket
import time
from collections.abc import Callable, Mapping
from contextlib import closing, suppress
from dataclasses import asdict, dataclass, fields, replace

import pytest

from scanner import sandbox
from scanner.deployments import review
from scanner.domain.facts import PASSWD
from scanner.domain.limits import DEFAULT_LIMITS, KIB, MIB, Limits
from scanner.domain.manifest import parse_document
from scanner.domain.problems import ScanProblem
from scanner.domain.reading import passwd_problem
from scanner.domain.reference import Digest, RepositoryName, TagName
from scanner.filesystem.account_files import account_file
from scanner.filesystem.tree_ambiguities import tree_ambiguities
from scanner.inspection import inspect
from scanner.sources.docker_archive import open_docker_archive
from scanner.sources.registry.addresses import Target, parse_registry_url
from scanner.sources.registry.client import RegistrySource
from scanner.sources.registry.transport import Transport
from tests.support.archives import END, indexed, member, pax, pieces, rootfs
from tests.support.demo_registry import DemoRegistry
from tests.support.facts import facts
from tests.support.images import Stored, artifact, image, index
from tests.support.layers import Entry, File, Symlink, compress, layer, sha256
from tests.support.lazy_layers import stargz_layer
from tests.support.oci_layout import OciLayout
from tests.support.sources import LOCAL, LOGIN, local_source

SHOP, ONE = RepositoryName("team/shop"), TagName("1")
PASSWD_LINE = b"root:x:0:0::/root:/bin/sh\n"
BASE = layer({"etc/passwd": File(PASSWD_LINE), "app/run": File(b"#!")})
TOP = layer({"app/more": File(b"x")})
ZEROS = member(b"zeros", bytes(MIB)) + END
SPARSE = pax({b"GNU.sparse.major": b"1", b"GNU.sparse.minor": b"0", b"GNU.sparse.realsize": b"5"})
LONG_LINKS = [layer({"etc/passwd": Symlink("/data/pw"), "data/pw": File(b"a")}), layer({"data/pw": File(b"b")})]
FASTER = 50


@dataclass(frozen=True, slots=True)
class Bench:
    """Where a case finds a registry."""

    registry: DemoRegistry
    layout: OciLayout

    def source(self, limits: Limits, **faults: object) -> RegistrySource:
        self.registry.auth = "none"
        for name, value in faults.items():
            setattr(self.registry.faults, name, value)
        return local_source(self.registry.url, limits=limits)


Act = Callable[[Bench, Limits], object]


@dataclass(frozen=True, slots=True)
class Case:
    """Something that ``act`` does within ``limits``, of which the field under test is one."""

    code: str
    limits: dict[str, float]
    act: Act


def archive(content: bytes) -> Act:
    return lambda _, limits: indexed(content, limits=limits)


def saved(content: bytes) -> Act:
    def act(bench: Bench, limits: Limits) -> object:
        path = bench.layout.folder / "saved.tar"
        path.write_bytes(content)
        return open_docker_archive(path, limits)

    return act


def apart(blob: bytes) -> Act:
    return lambda _, limits: sandbox.index_layer(
        pieces(blob), digest=Digest(sha256(blob)), size=len(blob), diff_id=None, limits=limits
    )


def tree(*layers: Mapping[str, Entry]) -> Act:
    return lambda _, limits: tree_ambiguities(rootfs(*layers, limits=limits))


def document(stored: Stored) -> Act:
    return lambda _, limits: parse_document(stored.body, stored.media_type, limits)


def inspected(stored: Stored) -> Act:
    def act(bench: Bench, limits: Limits) -> None:
        bench.layout.tag(SHOP, ONE, stored)
        with bench.source(limits) as source:
            for found in inspect(source, SHOP, ONE, platform=None, limits=limits).images:
                if found.problem:
                    raise found.problem

    return act


def asked(question: Callable[[RegistrySource], object], **faults: object) -> Act:
    def act(bench: Bench, limits: Limits) -> None:
        bench.layout.tag(SHOP, ONE, image([BASE]))
        with bench.source(limits, **faults) as source:
            question(source)

    return act


def ping_with_token(bench: Bench, limits: Limits) -> None:
    bench.registry.auth = "bearer"
    with local_source(bench.registry.url, LOGIN, limits=limits) as source:
        source.ping()


def ping_for_ever(bench: Bench, limits: Limits) -> None:
    bench.registry.faults.unauthorized_forever = True
    ping_with_token(bench, limits)


def ping_a_full_queue(_: Bench, limits: Limits) -> None:
    with (
        socket.create_server(("127.0.0.1", 0), backlog=0) as server,
        socket.socket() as first,
        socket.socket() as second,
    ):
        for waiting in (first, second):
            waiting.setblocking(False)
            with suppress(BlockingIOError):
                waiting.connect(server.getsockname())
        with local_source(f"http://127.0.0.1:{server.getsockname()[1]}", limits=limits) as source:
            source.ping()


def dripping(bench: Bench, limits: Limits) -> None:
    """Four bytes each second, by a clock that runs faster."""
    bench.registry.auth, bench.registry.faults.seconds_between_bytes = "none", 0.25 / FASTER
    path = f"/v2/{SHOP}/blobs/{bench.layout.put_blob(b'drip' * 100)}"
    home = parse_registry_url(bench.registry.url, plain_http=True)

    def now() -> float:
        return time.monotonic() * FASTER

    transport = Transport(home, LOCAL, limits, now=now)
    with closing(transport), transport.exchange("GET", Target(home, path), {}) as response:
        response.expect(400)
        list(response.chunks())


def reads_passwd(_: Bench, limits: Limits) -> None:
    """What is over this limit is unknown to the rules, which say why."""
    file = account_file(rootfs({"etc/passwd": File(PASSWD_LINE)}, limits=limits), PASSWD)
    raise ScanProblem(file.state.value, passwd_problem(replace(facts(), passwd=file)) or "")


def reviewed(text: str) -> Act:
    """One image too many does not end a review: it is that image's problem."""

    def act(_: Bench, limits: Limits) -> None:
        for workload in review(text, lambda _: None, limits).workloads:
            for container in workload.containers:
                if container.case.problem:
                    raise container.case.problem

    return act


def tags(source: RegistrySource) -> object:
    return list(source.tags(SHOP))


def repositories(source: RegistrySource) -> object:
    return list(source.repositories())


def get(source: RegistrySource) -> object:
    return source.document(SHOP, ONE)


def ping(source: RegistrySource) -> object:
    return source.ping()


def pull(source: RegistrySource) -> object:
    with source.blob(SHOP, Digest(BASE.digest), len(BASE.blob)) as chunks:
        return list(chunks)


MUCH = {"compression_ratio": 1e6, "compression_ratio_after_bytes": 1e12}
LONG = compress(ZEROS[:-1024], "gzip") * 1_500 + compress(END, "gzip")
NO_IMAGE = artifact(("application/vnd.example+json", b"{}"), [("a/b", b"1"), ("a/b", b"2")])
DENIED = b"HTTP/1.1 403 No\r\nContent-Length: 20\r\n\r\n" + b"x" * 20
DRIP = {"floor_bytes_per_second": 1, "body_bytes_per_second": 1, "idle_seconds": 1e4, "first_byte_seconds": 1e4}
ONE_IMAGE = image([BASE, TOP])
TWO_PODS = "---\n".join(f"kind: Pod\nspec: {{containers: [{{name: a, image: 'x:{tag}'}}]}}\n" for tag in "12")

CASES = {
    "manifest_bytes": Case("limit-manifest-bytes", {"manifest_bytes": 100}, document(ONE_IMAGE)),
    "config_bytes": Case("limit-config-bytes", {"config_bytes": 10}, inspected(ONE_IMAGE)),
    "json_depth": Case("limit-json-depth", {"json_depth": 2}, document(ONE_IMAGE)),
    "json_values": Case("limit-json-values", {"json_values": 2}, document(ONE_IMAGE)),
    "descriptors": Case("limit-descriptors", {"descriptors": 1}, document(NO_IMAGE)),
    "layers": Case("limit-layers", {"layers": 1}, document(ONE_IMAGE)),
    "index_depth": Case("limit-index-depth", {"index_depth": 1}, inspected(index([index([ONE_IMAGE])]))),
    "index_children": Case("limit-index-children", {"index_children": 1}, document(index([ONE_IMAGE, image()]))),
    "token_bytes": Case("too-large", {"token_bytes": 10}, ping_with_token),
    "error_bytes": Case("denied", {"error_bytes": 10}, asked(ping, raw_answer=DENIED)),
    "listing_bytes": Case("too-large", {"listing_bytes": 10}, asked(tags)),
    "layer_compressed_bytes": Case(
        "limit-layer-compressed-bytes", {"layer_compressed_bytes": 10}, inspected(ONE_IMAGE)
    ),
    "image_compressed_bytes": Case(
        "limit-image-compressed-bytes", {"image_compressed_bytes": len(BASE.blob)}, inspected(ONE_IMAGE)
    ),
    "layer_uncompressed_bytes": Case(
        "limit-layer-uncompressed-bytes", {"layer_uncompressed_bytes": 100}, archive(ZEROS)
    ),
    "image_uncompressed_bytes": Case(
        "limit-image-uncompressed-bytes", {"image_uncompressed_bytes": len(BASE.tar)}, inspected(ONE_IMAGE)
    ),
    "compression_ratio": Case(
        "limit-compression-ratio",
        {"compression_ratio": 2, "compression_ratio_after_bytes": 1_000},
        archive(compress(ZEROS, "gzip")),
    ),
    "compression_ratio_after_bytes": Case(
        "limit-compression-ratio", {"compression_ratio_after_bytes": 1_000}, archive(compress(ZEROS, "gzip"))
    ),
    "zstd_window_log": Case("limit-zstd-window-log", {"zstd_window_log": 10}, archive(compress(ZEROS, "zstd"))),
    "compressed_members": Case(
        "limit-compressed-members", {"compressed_members": 1}, archive(compress(b"", "gzip") + compress(END, "gzip"))
    ),
    "layer_entries": Case("limit-layer-entries", {"layer_entries": 1}, archive(BASE.tar)),
    "image_entries": Case("limit-image-entries", {"image_entries": 2}, inspected(ONE_IMAGE)),
    "tar_header_bytes": Case("limit-tar-header-bytes", {"tar_header_bytes": 5}, archive(pax({b"a": b"b"}) + END)),
    "tar_special_headers": Case(
        "limit-tar-special-headers", {"tar_special_headers": 1}, archive(pax({b"a": b"b"}) * 2 + member(b"x") + END)
    ),
    "tar_records": Case("limit-tar-records", {"tar_records": 3}, archive((pax({b"a": b"b"}) + member(b"x")) * 2 + END)),
    "sparse_map_bytes": Case(
        "limit-sparse-map-bytes", {"sparse_map_bytes": 100}, archive(SPARSE + member(b"x", b"0\n".ljust(512, b"\0")))
    ),
    "layer_text_bytes": Case("limit-layer-text-bytes", {"layer_text_bytes": 10}, archive(BASE.tar)),
    "path_bytes": Case("limit-path-bytes", {"path_bytes": 3}, archive(BASE.tar)),
    "path_depth": Case("limit-path-depth", {"path_depth": 1}, archive(BASE.tar)),
    "account_file_bytes": Case("too_large", {"account_file_bytes": 10}, reads_passwd),
    "account_versions_bytes": Case("limit-account-versions-bytes", {"account_versions_bytes": 10}, archive(BASE.tar)),
    "symlink_hops": Case("limit-symlink-hops", {"symlink_hops": 1}, tree({"a": Symlink("a"), "a/x": File()})),
    "path_steps": Case("limit-path-steps", {"path_steps": 3}, tree({"a": Symlink("b/c/d/e"), "a/x": File()})),
    "implied_paths": Case("limit-implied-paths", {"implied_paths": 1}, tree(*[{"a/x": File(), "b/x": File()}] * 2)),
    "toc_bytes": Case("limit-toc-bytes", {"toc_bytes": 100}, apart(stargz_layer({"etc/passwd": File()}).blob)),
    "link_fetches": Case("limit-link-fetches", {"link_fetches": 1}, inspected(image(LONG_LINKS))),
    "archive_bytes": Case("limit-archive-bytes", {"archive_bytes": 100}, saved(compress(ZEROS, "gzip"))),
    "archive_members": Case("limit-archive-members", {"archive_members": 1}, saved(BASE.tar)),
    "child_memory_bytes": Case("scanner-memory", {"child_memory_bytes": MIB}, inspected(ONE_IMAGE)),
    "child_cpu_seconds": Case("scanner-cpu", {"child_cpu_seconds": 1, **MUCH}, apart(LONG)),
    "child_seconds": Case("scanner-time", {"child_seconds": 0.05, **MUCH}, apart(LONG)),
    "deployment_bytes": Case("limit-deployment-bytes", {"deployment_bytes": 10}, reviewed(TWO_PODS)),
    "deployment_documents": Case("limit-deployment-documents", {"deployment_documents": 1}, reviewed(TWO_PODS)),
    "deployment_containers": Case("limit-deployment-containers", {"deployment_containers": 1}, reviewed(TWO_PODS)),
    "deployment_images": Case("limit-deployment-images", {"deployment_images": 1}, reviewed(TWO_PODS)),
    "connect_seconds": Case("timeout", {"connect_seconds": 0.2, "retries": 1}, ping_a_full_queue),
    "first_byte_seconds": Case(
        "timeout", {"first_byte_seconds": 0.2, "retries": 1}, asked(ping, seconds_before_head=0.6)
    ),
    "idle_seconds": Case("timeout", {"idle_seconds": 0.1, "retries": 1}, asked(pull, seconds_between_bytes=0.4)),
    "body_seconds": Case("timeout", {"body_seconds": 0.2, "retries": 1}, asked(pull, seconds_between_bytes=0.05)),
    "floor_bytes_per_second": Case("timeout", {**DRIP, "floor_bytes_per_second": KIB}, dripping),
    "body_bytes_per_second": Case("timeout", {**DRIP, "body_bytes_per_second": KIB}, dripping),
    "question_requests": Case("redirect-loop", {"question_requests": 2}, asked(get, redirect_loop=True)),
    "redirects": Case("redirect-loop", {"redirects": 1}, asked(get, redirect_loop=True)),
    "auth_rounds": Case("auth-loop", {"auth_rounds": 1}, ping_for_ever),
    "retries": Case("server-error", {"retries": 1}, asked(ping, server_errors=9)),
    "retry_wait_seconds": Case(
        "rate-limited", {"retry_wait_seconds": 1}, asked(ping, too_many_requests=9, retry_after="5")
    ),
    "pages": Case("pagination-loop", {"pages": 1}, asked(repositories, endless_pages=True)),
    "tags": Case("too-large", {"tags": 2}, asked(tags, endless_pages=True)),
    "repositories": Case("too-large", {"repositories": 2}, asked(repositories, endless_pages=True)),
}


@pytest.fixture
def bench(demo_registry: DemoRegistry, demo_layout: OciLayout) -> Bench:
    return Bench(demo_registry, demo_layout)


def test_every_limit_has_a_case() -> None:
    assert list(CASES) == [field.name for field in fields(Limits)]


@pytest.mark.parametrize("name", CASES)
def test_a_limit_stops_what_passes_it_and_is_named(bench: Bench, name: str) -> None:
    case = CASES[name]
    assert name in case.limits
    with pytest.raises(ScanProblem) as caught:
        case.act(bench, Limits(**{**asdict(DEFAULT_LIMITS), **case.limits}))
    found = caught.value
    assert found.code == case.code, found.message
    named = re.findall(r"PLIMSOLL_[A-Z_]+", f"{found.message} {found.remedy}")
    assert f"PLIMSOLL_{name.upper()}" in named
