from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace

import pytest

from scanner.domain.facts import ImageFacts, ReadState
from scanner.domain.limits import DEFAULT_LIMITS, Limits
from scanner.domain.problems import ImageProblem, LimitExceeded, Refused
from scanner.domain.reference import Digest, RepositoryName, TagName
from scanner.filesystem.layer_index import LayerIndex
from scanner.inspection import (
    ImageDocuments,
    InspectedImage,
    Inspection,
    NotApplicable,
    fetch_layer_index,
    image_facts,
    inspect,
    read_image,
)
from scanner.sources.source import Document, Resolved, Traffic
from tests.support import artifacts
from tests.support.images import (
    OCI_CONFIG,
    Compression,
    File,
    Layer,
    Step,
    Stored,
    Symlink,
    artifact,
    blob_descriptor,
    image,
    index,
    layer,
    sha256,
)

PASSWD = File(b"root:x:0:0::/root:/bin/sh\napp:x:1001:1001::/:\n")
BASE = layer({"etc/passwd": PASSWD, "etc/group": File(b"root:x:0:\n")})
TOP = layer({"app/run": File(b"#!")})
SHOP = RepositoryName("shop")


class Shelf:
    """A source that holds some documents and blobs, and counts what it is asked for."""

    def __init__(self, *stored: Stored) -> None:
        self.traffic = Traffic()
        self.asked: Counter[str] = Counter()
        self.contents: dict[str, bytes] = {}
        for item in stored:
            self.contents |= {sha256(body): body for body in (item.body, *item.blobs.values())}
        self.tag = stored[0].digest

    def repositories(self) -> Iterator[RepositoryName]:
        return iter([SHOP])

    def tags(self, repository: RepositoryName) -> Iterator[TagName]:
        return iter([TagName("latest")])

    def resolve(self, repository: RepositoryName, tag: TagName) -> Resolved:
        return Resolved(Digest(self.tag), "", None)

    def document(self, repository: RepositoryName, reference: TagName | Digest) -> Document:
        digest = reference if reference.startswith("sha") else self.tag
        body = self._get(digest)
        return Document(Digest(digest), json.loads(body)["mediaType"], body)

    @contextmanager
    def blob(self, repository: RepositoryName, digest: Digest, size: int) -> Iterator[Iterator[bytes]]:
        body = self._get(digest)
        yield iter([body[at : at + 100] for at in range(0, len(body), 100)])

    def _get(self, digest: str) -> bytes:
        self.asked[digest] += 1
        if digest not in self.contents:
            raise Refused("not-found", f"{digest} is not there")
        return self.contents[digest]


def _inspect(
    stored: Stored, platform: str | None = None, limits: Limits = DEFAULT_LIMITS, shelf: Shelf | None = None
) -> Inspection:
    return inspect(shelf or Shelf(stored), SHOP, TagName("latest"), platform=platform, limits=limits)


def _only(stored: Stored, limits: Limits = DEFAULT_LIMITS) -> InspectedImage:
    (found,) = _inspect(stored, limits=limits).images
    return found


def _facts(stored: Stored) -> ImageFacts:
    found = _only(stored)
    assert found.facts is not None, found.problem
    return found.facts


def _problem(stored: Stored, limits: Limits = DEFAULT_LIMITS) -> str:
    found = _only(stored, limits)
    assert found.facts is None
    assert found.problem is not None
    return found.problem.code


def _read(shelf: Shelf) -> ImageDocuments:
    documents = read_image(shelf, SHOP, shelf.document(SHOP, TagName("latest")), DEFAULT_LIMITS)
    assert isinstance(documents, ImageDocuments)
    return documents


def test_one_image() -> None:
    stored = image([BASE, TOP], user="app")
    facts = _facts(stored)
    assert (facts.digest, facts.config.user, facts.passwd.content) == (stored.digest, "app", PASSWD.content)
    assert (facts.group.state, facts.shadow.state) == (ReadState.PRESENT, ReadState.MISSING)
    assert [one.digest for one in facts.layers] == [BASE.digest, TOP.digest]
    assert facts.manifest_size == len(stored.body) + len(stored.config) + len(BASE.blob) + len(TOP.blob)


def test_history_is_attributed_where_the_counts_agree() -> None:
    steps = [Step("ADD rootfs", empty=False), Step("USER app"), Step("COPY app", empty=False)]
    assert [one.created_by for one in _facts(image([BASE, TOP], history=steps)).layers] == ["ADD rootfs", "COPY app"]
    assert [one.created_by for one in _facts(image([BASE, TOP], history=steps[:2])).layers] == [None, None]


def test_each_blob_is_fetched_once() -> None:
    stored = index([image([BASE, TOP, TOP]), image([TOP, BASE], platform="linux/arm64")])
    shelf = Shelf(stored)
    assert len(_inspect(stored, "linux/amd64", shelf=shelf).images) == 1
    assert set(shelf.asked.values()) == {1}


class Kept:
    """A cache that outlives an inspection."""

    def __init__(self) -> None:
        self.indexes: dict[Digest, LayerIndex] = {}

    def get(self, digest: Digest) -> LayerIndex | None:
        return self.indexes.get(digest)

    def put(self, index: LayerIndex) -> None:
        self.indexes[index.digest] = index


def test_a_cache_spares_layers() -> None:
    stored = index([image([BASE, TOP]), image([BASE], platform="linux/arm64")])
    shelf = Shelf(stored)
    inspect(shelf, SHOP, TagName("latest"), platform=None, limits=DEFAULT_LIMITS, cache=Kept())
    assert shelf.asked[BASE.digest] == 1


LINKED = [layer({"nix/1-users": PASSWD}), layer({"etc/passwd": Symlink("/nix/1-users")})]


def test_what_a_link_leads_to_costs_one_more_fetch() -> None:
    stored = image(LINKED)
    shelf = Shelf(stored)
    (found,) = _inspect(stored, shelf=shelf).images
    assert found.facts is not None
    assert (found.facts.passwd.content, found.facts.passwd.layer) == (PASSWD.content, 0)
    assert (shelf.asked[LINKED[0].digest], shelf.asked[LINKED[1].digest]) == (2, 1)


def test_fetches_for_links_are_limited() -> None:
    assert _problem(image(LINKED), replace(DEFAULT_LIMITS, link_fetches=0)) == "limit-link-fetches"


def test_platforms_of_an_index() -> None:
    stored = index([image([BASE]), image([TOP], platform="linux/arm/v7"), image([TOP], platform="windows/amd64")])
    assert [one.platform for one in _inspect(stored).images] == ["linux/amd64", "linux/arm/v7", "windows/amd64"]
    assert [one.platform for one in _inspect(stored, "linux/arm").images] == ["linux/arm/v7"]


def test_a_platform_that_is_not_there_is_a_named_problem() -> None:
    with pytest.raises(ImageProblem) as problem:
        _inspect(index([image([BASE])]), "linux/s390x")
    assert problem.value.code == "platform-not-found"


def test_the_platform_of_a_single_image_counts_too() -> None:
    assert len(_inspect(image([BASE]), "linux/amd64").images) == 1
    with pytest.raises(ImageProblem):
        _inspect(image([BASE]), "linux/arm64")


def test_a_config_that_calls_itself_something_else_is_shown() -> None:
    stored = index([replace(image([BASE], platform="linux/arm64"), platform="linux/amd64")])
    facts = _facts(stored)
    assert [(one.code, one.decides) for one in facts.ambiguities] == [("platform-differs", False)]


@pytest.mark.parametrize("stored", [artifacts.helm_chart("shop", "1.0.0"), artifacts.signature(image([BASE]))])
def test_artifacts_are_not_applicable(stored: Stored) -> None:
    found = _only(stored)
    assert found.artifact
    assert (found.facts, found.problem) == (None, None)


ATTESTED = {"vnd.docker.reference.type": "attestation-manifest"}


@pytest.mark.parametrize("annotations", [{}, ATTESTED])
def test_an_image_cannot_hide_behind_an_entry_of_an_unknown_platform(annotations: Mapping[str, str]) -> None:
    stored = image([BASE], user="app")
    hidden = _only(index([replace(stored, platform="unknown/unknown", annotations=annotations)]))
    assert hidden.facts is not None
    assert hidden.facts.config.user == "app"
    assert [(one.code, one.decides) for one in hidden.facts.ambiguities] == [("platform-differs", False)]


def test_an_attestation_is_recognized_by_its_content() -> None:
    stored = image([BASE])
    for entry in (artifacts.attestation(stored), replace(artifacts.attestation(stored), platform=None, annotations={})):
        image_found, attestation = _inspect(index([stored, entry])).images
        assert image_found.facts is not None
        assert (attestation.artifact, attestation.facts) == ("attestation", None)


def _with_layer_type(media_type: str) -> Stored:
    return artifact((OCI_CONFIG, image([BASE]).config), [(media_type, BASE.blob)])


UNREADABLE = {
    "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip": "foreign-layer",
    "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip": "foreign-layer",
    "application/vnd.oci.image.layer.v1.tar+gzip+encrypted": "encrypted-layer",
    "application/x-surprise": "unsupported-media-type",
}


@pytest.mark.parametrize(("media_type", "code"), UNREADABLE.items())
def test_layers_that_cannot_be_read_are_not_fetched(media_type: str, code: str) -> None:
    stored = _with_layer_type(media_type)
    shelf = Shelf(stored)
    (found,) = _inspect(stored, shelf=shelf).images
    assert found.problem is not None
    assert (found.problem.code, shelf.asked[BASE.digest]) == (code, 0)


def _lying(layers: Sequence[Layer], diff_ids: Sequence[str]) -> Stored:
    config = json.loads(image(layers).config)
    config["rootfs"]["diff_ids"] = list(diff_ids)
    parts = [(one.media_type, one.blob) for one in layers]
    return artifact((OCI_CONFIG, json.dumps(config).encode()), parts)


def test_what_the_config_says_of_layers_is_checked() -> None:
    assert _problem(_lying([BASE], [TOP.diff_id])) == "diff-id-mismatch"
    assert _problem(_lying([BASE], [BASE.diff_id, TOP.diff_id])) == "diff-ids-mismatch"


def test_one_lying_config_does_not_spoil_the_layer_for_others() -> None:
    cache = Kept()
    for stored in (_lying([BASE], [TOP.diff_id]), image([BASE])):
        inspect(Shelf(stored), SHOP, TagName("latest"), platform=None, limits=DEFAULT_LIMITS, cache=cache)
    assert BASE.digest in cache.indexes
    assert _facts(image([BASE])).passwd.content == PASSWD.content


def test_a_stored_index_does_not_vouch_for_the_manifests_size() -> None:
    honest = Shelf(image([BASE]))
    documents = _read(honest)
    indexes = [fetch_layer_index(honest, SHOP, documents.manifest.layers[0], None, DEFAULT_LIMITS)]
    wrong = replace(documents.manifest, layers=(replace(documents.manifest.layers[0], size=5),))
    with pytest.raises(ImageProblem) as problem:
        image_facts(replace(documents, manifest=wrong), indexes, DEFAULT_LIMITS)
    assert problem.value.code == "size-mismatch"


def test_indexes_of_other_layers_are_refused() -> None:
    shelf = Shelf(image([BASE]), image([TOP]))
    with pytest.raises(ValueError, match="not those of the manifest"):
        image_facts(_read(shelf), [], DEFAULT_LIMITS)


@pytest.mark.parametrize("which", ["config", "layer"])
def test_changed_blobs_are_the_sources_fault(which: str) -> None:
    stored = image([BASE])
    shelf = Shelf(stored)
    digest = sha256(stored.config) if which == "config" else BASE.digest
    shelf.contents[digest] = b"x" * len(shelf.contents[digest])
    (found,) = _inspect(stored, shelf=shelf).images
    assert found.problem is not None
    assert (found.problem.code, found.problem.permanent) == ("digest-mismatch", False)


BUDGETS = {
    "layer_compressed_bytes": 10,
    "image_compressed_bytes": len(BASE.blob) + len(TOP.blob) - 1,
    "image_entries": 2,
    "image_uncompressed_bytes": 20_000,
    "config_bytes": 10,
}


@pytest.mark.parametrize(("name", "value"), BUDGETS.items())
def test_budgets_of_an_image(name: str, value: int) -> None:
    limits = replace(DEFAULT_LIMITS, **{name: value})
    assert _problem(image([BASE, TOP]), limits) == f"limit-{name.replace('_', '-')}"


def test_a_child_that_is_missing_does_not_stop_the_others() -> None:
    lost = image([TOP], platform="linux/arm64")
    stored = index([lost, image([BASE])])
    shelf = Shelf(stored)
    del shelf.contents[lost.digest]
    first, second = _inspect(stored, shelf=shelf).images
    assert (first.problem.code if first.problem else "", second.facts is not None) == ("not-found", True)


def test_nested_indexes_are_walked_to_a_depth() -> None:
    nested = image([BASE])
    for _ in range(3):
        nested = index([nested])
    assert _only(nested).facts is not None
    assert _problem(index([nested])) == "limit-index-depth"


def test_children_of_nested_indexes_count_together() -> None:
    stored = index([index([image([BASE], user=str(number)) for number in range(3)]) for _ in range(2)])
    with pytest.raises(LimitExceeded) as problem:
        _inspect(index([stored, image([TOP])]), limits=replace(DEFAULT_LIMITS, index_children=3))
    assert problem.value.code == "limit-index-children"


def test_an_entry_that_lies_about_the_size_is_refused() -> None:
    child = image([BASE])
    entry = {**blob_descriptor(child.media_type, child.body), "size": len(child.body) + 1}
    body = {"schemaVersion": 2, "mediaType": index([]).media_type, "manifests": [entry]}
    stored = replace(index([child]), body=json.dumps(body).encode())
    assert _problem(stored) == "size-mismatch"


def test_an_empty_index_has_no_images() -> None:
    assert _inspect(index([])).images == ()


def test_an_index_is_no_image() -> None:
    shelf = Shelf(index([]))
    with pytest.raises(ImageProblem) as problem:
        read_image(shelf, SHOP, shelf.document(SHOP, TagName("latest")), DEFAULT_LIMITS)
    assert problem.value.code == "not-an-image"


def test_read_image_names_what_is_no_image() -> None:
    shelf = Shelf(artifacts.helm_chart("shop", "1.0.0"))
    found = read_image(shelf, SHOP, shelf.document(SHOP, TagName("latest")), DEFAULT_LIMITS)
    assert isinstance(found, NotApplicable)
    assert found.kind == "Helm chart"


DISGUISES = {
    "config of no type": ("", "application/vnd.oci.image.layer.v1.tar+gzip"),
    "config of any JSON": ("application/json", "application/vnd.oci.image.layer.v1.tar+gzip"),
    "config of a type of its own": ("application/vnd.example.v1+json", "application/vnd.oci.image.layer.v1.tar+gzip"),
    "config of a chart": (artifacts.HELM_CONFIG, artifacts.HELM_CHART),
    "layers of attestations": (OCI_CONFIG, artifacts.IN_TOTO),
    "layers of signatures": (OCI_CONFIG, artifacts.SIMPLE_SIGNING),
}


@pytest.mark.parametrize(("config_type", "layer_type"), DISGUISES.values(), ids=DISGUISES)
@pytest.mark.parametrize("compression", ["gzip", "zstd", "plain"])
def test_what_docker_would_run_is_no_artifact_whatever_it_calls_itself(
    config_type: str, layer_type: str, compression: Compression
) -> None:
    # Packed with gzip, each of these was pulled and run as root by a real engine (docker.io 20.10).
    packed = layer({"id": File(b"x", mode=0o755)}, compression)
    real = image([packed])
    disguised = artifact((config_type, real.config), [(layer_type, packed.blob)])
    assert _problem(disguised) == "disguised-image"


@pytest.mark.parametrize(
    "made", [artifacts.attestation(image([TOP])), artifacts.signature(image([TOP])), artifacts.helm_chart("a", "1")]
)
def test_what_no_engine_unpacks_stays_an_artifact(made: Stored) -> None:
    assert _only(made).artifact is not None


def test_what_lower_layers_had_behind_a_link_is_read_too() -> None:
    # Else an account could be remapped unseen in a file whose name says nothing.
    below = layer({"etc/passwd": Symlink("/data/pw"), "data/pw": PASSWD})
    above = layer({"data/pw": File(b"app:x:33:33::/:\n")})
    versions = _facts(image([below, above], user="10001")).passwd.versions
    found = [(version.layer, version.content) for version in versions]
    assert found == [(0, PASSWD.content), (1, b"app:x:33:33::/:\n")]
