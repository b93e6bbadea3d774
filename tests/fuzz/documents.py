"""Targets that read JSON and YAML: manifests, configs, deployment files."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace

from scanner.deployments.problems import DeploymentProblem
from scanner.deployments.review import review
from scanner.deployments.review_report import review_report
from scanner.deployments.review_text import review_text
from scanner.deployments.yaml_documents import decode
from scanner.domain.facts import ImageFacts
from scanner.domain.image_config import parse_image_config
from scanner.domain.limits import Limits
from scanner.domain.manifest import ImageManifest, parse_document
from scanner.domain.media_types import INDEX_MEDIA_TYPES, MANIFEST_MEDIA_TYPES
from scanner.domain.problems import ImageProblem
from scanner.domain.reference import Reference, parse_digest
from scanner.domain.user_spec import go_text
from scanner.storage import dump_facts, load_facts
from tests.oracle.generated_configs import configs
from tests.support.clean import clean
from tests.support.facts import facts
from tests.support.images import OCI_INDEX, OCI_MANIFEST

LIMITS = Limits(
    json_values=2_000, json_depth=20, descriptors=60, layers=20, index_children=20, deployment_bytes=1 << 16
)
_ACCEPTED = ("", *sorted(MANIFEST_MEDIA_TYPES), *sorted(INDEX_MEDIA_TYPES))


def manifest(data: bytes) -> None:
    """A document is an image or an index, never one under one Content-Type and the other under another."""
    kinds = set()
    for media_type in _ACCEPTED:
        try:
            found = parse_document(data, media_type, LIMITS)
        except ImageProblem:
            continue
        kinds.add(type(found))
        assert found.media_type in _ACCEPTED[1:]
        listed = (found.config, *found.layers) if isinstance(found, ImageManifest) else found.manifests
        assert len(listed) <= LIMITS.layers + 1
        for one in listed:
            assert parse_digest(one.digest) == one.digest
            assert 0 <= one.size < 1 << 63
    assert len(kinds) < 2


def config(data: bytes) -> None:
    """A config that another reader takes for another user's is reported; what is kept of it comes back whole."""
    try:
        found, ambiguities = parse_image_config(data, LIMITS)
    except ImageProblem:
        return
    known = replace(facts(), config=found, ambiguities=ambiguities)
    assert load_facts(dump_facts(known)).config == found
    if go_text(found.user) != go_text(_plain_user(data)):
        assert ambiguities


def deployment(data: bytes) -> None:
    """A deployment file ends in a review that can be printed, or in a named problem."""
    try:
        found = review(decode(data, LIMITS), _facts_for, LIMITS)
    except DeploymentProblem:
        return
    report = review_report(found)
    json.dumps(report, allow_nan=False).encode()
    review_text(report).encode()
    assert len(found.workloads) <= LIMITS.deployment_containers


def _facts_for(reference: Reference) -> ImageFacts | None:
    return None if reference.repository == "team/unknown" else clean("app")


def _plain_user(body: bytes) -> str:
    """As a reader sees it that looks keys up as they are spelled."""
    document = json.loads(body.decode("utf-8", "replace"))
    about = document.get("config") if isinstance(document, dict) else None
    user = about.get("User") if isinstance(about, dict) else None
    return user if isinstance(user, str) else ""


def manifest_seeds() -> Iterator[bytes]:
    """An image, an index, and both at once."""
    digest = "sha256:" + "a" * 64
    one = {"mediaType": "application/vnd.oci.image.config.v1+json", "digest": digest, "size": 7}
    layer = {"mediaType": "application/vnd.oci.image.layer.v1.tar+gzip", "digest": digest, "size": 9, "urls": ["x"]}
    image = {"schemaVersion": 2, "mediaType": OCI_MANIFEST, "config": one, "layers": [layer], "subject": one}
    child = {"mediaType": OCI_MANIFEST, "digest": digest, "size": 5, "platform": {"os": "linux", "architecture": "arm"}}
    index = {"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": [child, child], "annotations": {"a": "b"}}
    plain = {key: value for key, value in image.items() if key != "mediaType"}
    for document in (image, index, {**image, **index}, plain, {"schemaVersion": 1, "fsLayers": []}):
        yield json.dumps(document).encode()


def config_seeds() -> Iterator[bytes]:
    """Configs that readers of JSON read differently."""
    yield from configs(5, 60)


def deployment_seeds() -> Iterator[bytes]:
    """A workload, a service, and what YAML has besides."""
    yield _POD.encode()
    yield _COMPOSE.encode()
    yield b"kind: List\napiVersion: v1\nitems:\n- &a {kind: Pod, apiVersion: v1, spec: {containers: [{}]}}\n- *a\n"
    yield b"services: {a: {image: x, user: 0}}\n---\nkind: ConfigMap\napiVersion: v1\ndata: {a: !!binary YQ==}\n"


_POD = """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: shop, namespace: team}
spec:
  template:
    spec:
      securityContext: {runAsNonRoot: true, runAsUser: 0, fsGroup: 2000}
      initContainers:
      - {name: setup, image: "registry.example/team/unknown:1"}
      containers:
      - name: web
        image: registry.example/team/shop:1.4
        command: ["/bin/sh", "-c", "x"]
        securityContext:
          runAsUser: 1000
          allowPrivilegeEscalation: false
          capabilities: {drop: [ALL], add: [NET_BIND_SERVICE]}
        volumeMounts: [{name: data, mountPath: /data}]
      volumes: [{name: data, emptyDir: {}}]
"""
_COMPOSE = """\
x-base: &base
  user: "1000:1000"
services:
  web:
    <<: *base
    image: registry.example/team/shop:${TAG:-1.4}
    cap_drop: [ALL]
    volumes: ["data:/data", "./x:/y:ro"]
  db:
    image: registry.example/team/unknown:1
    user: root
volumes: {data: {}}
"""
