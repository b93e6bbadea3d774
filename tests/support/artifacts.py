"""What registries hold besides images: none of these can run."""

from __future__ import annotations

from dataclasses import replace

from tests.support.images import OCI_CONFIG, Stored, artifact, compact_json
from tests.support.layers import File, compress, sha256, tar_of

HELM_CONFIG = "application/vnd.cncf.helm.config.v1+json"
HELM_CHART = "application/vnd.cncf.helm.chart.content.v1.tar+gzip"
IN_TOTO = "application/vnd.in-toto+json"
SIMPLE_SIGNING = "application/vnd.dev.cosign.simplesigning.v1+json"


def attestation(subject: Stored) -> Stored:
    """The provenance child BuildKit puts beside an image, in its older form with a real-looking config."""
    statement = compact_json(
        {
            "_type": "https://in-toto.io/Statement/v0.1",
            "predicateType": "https://slsa.dev/provenance/v0.2",
            "subject": [{"name": "image", "digest": {"sha256": subject.digest.removeprefix("sha256:")}}],
            "predicate": {"builder": {"id": ""}, "buildType": "https://mobyproject.org/buildkit@v1"},
        }
    )
    config = {
        "architecture": "unknown",
        "os": "unknown",
        "config": {},
        "rootfs": {"type": "layers", "diff_ids": [sha256(statement)]},
    }
    about = {
        "vnd.docker.reference.type": "attestation-manifest",
        "vnd.docker.reference.digest": subject.digest,
    }
    made = artifact((OCI_CONFIG, compact_json(config)), [(IN_TOTO, statement)])
    return replace(made, platform="unknown/unknown", annotations=about)


def helm_chart(name: str, version: str) -> Stored:
    """A chart as ``helm push`` stores it."""
    about = {"apiVersion": "v2", "name": name, "version": version, "appVersion": version, "type": "application"}
    chart = "".join(f"{key}: {value}\n" for key, value in about.items()).encode()
    archive = compress(tar_of({f"{name}/Chart.yaml": File(chart)}), "gzip")
    return artifact((HELM_CONFIG, compact_json(about)), [(HELM_CHART, archive)])


def signature(subject: Stored) -> Stored:
    """What cosign stores under ``signature_tag``: an ordinary image config, a layer no engine unpacks."""
    payload = compact_json(
        {
            "critical": {
                "identity": {"docker-reference": ""},
                "image": {"docker-manifest-digest": subject.digest},
                "type": "cosign container image signature",
            },
            "optional": None,
        }
    )
    config = {
        "architecture": "",
        "os": "",
        "created": "0001-01-01T00:00:00Z",
        "config": {},
        "rootfs": {"type": "layers", "diff_ids": [sha256(payload)]},
        "history": [{"created": "0001-01-01T00:00:00Z"}],
    }
    return artifact((OCI_CONFIG, compact_json(config)), [(SIMPLE_SIGNING, payload)])


def signature_tag(subject: Stored) -> str:
    return subject.digest.replace(":", "-") + ".sig"
