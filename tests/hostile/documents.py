"""A-12, A-13, A-26, A-27: manifests that lie, are two things at once, or are too much."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import replace
from functools import partial

from tests.hostile.case import (
    BASE,
    FAIL,
    NOT_APPLICABLE,
    PASS,
    PASSWD,
    Case,
    cases,
    config_document,
    lying,
    manifest_of,
    run,
)
from tests.support.artifacts import attestation, helm_chart, signature
from tests.support.images import OCI_CONFIG, OCI_INDEX, OCI_MANIFEST, Json, Stored, blob_descriptor, index
from tests.support.layers import OCI_LAYER, File, layer, sha256

USER = '"config":{"User":"1001","Entrypoint":["/app/run"]}'
CONFIG = config_document(USER)
EVIL = layer({"etc/passwd": File(PASSWD + b"admin:x:0:0::/:/bin/sh\n")})
MIB = 1 << 20


def _layer_entry(**changes: object) -> Json:
    return {**blob_descriptor(BASE.media_type, BASE.blob), **changes}


def _manifest(**changes: object) -> Callable[[], Stored]:
    return lambda: manifest_of(CONFIG, **changes)


def _text(edit: Callable[[str], str]) -> Callable[[], Stored]:
    """A manifest whose text is edited: what JSON built from values cannot say."""

    def make() -> Stored:
        stored = manifest_of(CONFIG)
        return replace(stored, body=edit(stored.body.decode()).encode())

    return make


def _digest(text: str) -> Callable[[], Stored]:
    return _manifest(layers=[_layer_entry(digest=text)])


def _lie(digest: str, content: bytes) -> Callable[[], Stored]:
    return lambda: lying(manifest_of(CONFIG), digest, content)


def _diff_ids(*texts: str) -> Callable[[], Stored]:
    ids = ",".join(f'"{text}"' for text in texts)
    config = f'{{"architecture":"amd64","os":"linux","rootfs":{{"type":"layers","diff_ids":[{ids}]}},{USER}}}'
    return lambda: manifest_of(config.encode())


_HEX = BASE.digest.removeprefix("sha256:")
_SHA512 = "sha512:" + hashlib.sha512(BASE.blob).hexdigest()

LIES: dict[str, tuple[Callable[[], Stored], str]] = {
    "layer-swapped": (_lie(BASE.digest, EVIL.blob.ljust(len(BASE.blob), b"\0")[: len(BASE.blob)]), "digest-mismatch"),
    "layer-shorter": (_lie(BASE.digest, BASE.blob[:-1]), "digest-mismatch"),
    "layer-longer": (_lie(BASE.digest, BASE.blob + b"\0"), "digest-mismatch"),
    "layer-bit": (_lie(BASE.digest, BASE.blob[:-1] + bytes([BASE.blob[-1] ^ 1])), "digest-mismatch"),
    "config-swapped": (_lie(sha256(CONFIG), CONFIG.replace(b"1001", b"1002")), "digest-mismatch"),
    "config-longer": (_lie(sha256(CONFIG), CONFIG + b" "), "digest-mismatch"),
    "size-one-less": (_manifest(layers=[_layer_entry(size=len(BASE.blob) - 1)]), "digest-mismatch"),
    "size-one-more": (_manifest(layers=[_layer_entry(size=len(BASE.blob) + 1)]), "digest-mismatch"),
    "size-negative": (_manifest(layers=[_layer_entry(size=-1)]), "bad-descriptor"),
    "size-fraction": (_manifest(layers=[_layer_entry(size=1.5)]), "bad-manifest"),
    "size-text": (_manifest(layers=[_layer_entry(size="10")]), "bad-manifest"),
    "size-of-an-exbibyte": (_manifest(layers=[_layer_entry(size=1 << 60)]), "bad-manifest"),
    "size-of-a-tebibyte": (_manifest(layers=[_layer_entry(size=1 << 40)]), "limit-layer-compressed-bytes"),
    "size-over-int64": (_manifest(layers=[_layer_entry(size=1 << 70)]), "bad-manifest"),
    "size-missing": (_text(lambda text: text.replace(f',"size":{len(BASE.blob)}', "")), "bad-descriptor"),
    "diff-id-of-another": (_diff_ids(EVIL.diff_id), "diff-id-mismatch"),
    "diff-ids-too-many": (_diff_ids(BASE.diff_id, BASE.diff_id), "diff-ids-mismatch"),
    "diff-ids-none": (_diff_ids(), "diff-ids-mismatch"),
    "diff-id-no-digest": (_diff_ids("latest"), "bad-config"),
    "md5": (_digest("md5:" + "0" * 32), "bad-descriptor"),
    "upper-case": (_digest("sha256:" + _HEX.upper()), "bad-descriptor"),
    "short": (_digest("sha256:" + _HEX[:63]), "bad-descriptor"),
    "long": (_digest("sha256:" + _HEX + "0"), "bad-descriptor"),
    "path": (_digest("sha256:../../../etc/passwd"), "bad-descriptor"),
    "empty-digest": (_digest(""), "bad-descriptor"),
    "full-width-digest": (_digest("sha256:" + "０" * 64), "bad-descriptor"),
    "sha512-not-there": (_digest(_SHA512), "blob-unknown"),
}

_DOCKER_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
_CHILD = {**blob_descriptor(OCI_MANIFEST, b"{}"), "platform": {"os": "linux", "architecture": "amd64"}}
_FOREIGN = "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip"
_ANYWHERE = {"urls": ["http://169.254.169.254/latest/meta-data", "https://example.com/layer"]}

CONFUSED: dict[str, tuple[Callable[[], Stored], str]] = {
    "image-and-index": (_manifest(manifests=[_CHILD]), "ambiguous-manifest"),
    "image-and-no-children": (_manifest(manifests=[]), "ambiguous-manifest"),
    "body-says-index": (_manifest(mediaType=OCI_INDEX), "media-type-mismatch"),
    "body-says-docker": (_manifest(mediaType=_DOCKER_MANIFEST), "media-type-mismatch"),
    "body-says-nothing": (_text(lambda text: text.replace(f'"mediaType":"{OCI_MANIFEST}",', "", 1)), PASS),
    "layers-twice": (_text(lambda text: text[:-1] + ',"Layers":[]}'), "diff-ids-mismatch"),
    "config-twice": (_text(lambda text: text[:-1] + ',"Config":null}'), FAIL),
    "schema-1": (_manifest(schemaVersion=1, fsLayers=[]), "schema1-unsupported"),
    "schema-3": (_manifest(schemaVersion=3), "bad-manifest"),
    "schema-text": (_manifest(schemaVersion="2"), "bad-manifest"),
    "gzip-label-on-zstd": (
        lambda: run(replace(layer({**_files()}, "zstd"), media_type=f"{OCI_LAYER}+gzip")),
        PASS,
    ),
    "zstd-label-on-gzip": (lambda: run(replace(layer({**_files()}), media_type=f"{OCI_LAYER}+zstd")), PASS),
    "gzip-label-on-plain": (lambda: run(replace(layer({**_files()}, "plain"), media_type=f"{OCI_LAYER}+gzip")), PASS),
    "foreign": (_manifest(layers=[_layer_entry(mediaType=_FOREIGN, **_ANYWHERE)]), "foreign-layer"),
    "nondistributable": (
        _manifest(layers=[_layer_entry(mediaType="application/vnd.oci.image.layer.nondistributable.v1.tar+gzip")]),
        "foreign-layer",
    ),
    "urls-on-a-plain-layer": (_manifest(layers=[_layer_entry(**_ANYWHERE)]), PASS),
    "encrypted": (_manifest(layers=[_layer_entry(mediaType=f"{OCI_LAYER}+gzip+encrypted")]), "encrypted-layer"),
    "layer-of-no-type": (_manifest(layers=[_layer_entry(mediaType="text/plain")]), "unsupported-media-type"),
    "helm": (lambda: helm_chart("chart", "1.0.0"), NOT_APPLICABLE),
    "signature": (lambda: signature(run()), NOT_APPLICABLE),
    "attestation": (lambda: attestation(run()), NOT_APPLICABLE),
    "artifact-that-is-an-image": (
        _text(lambda text: text.replace(OCI_CONFIG, "application/vnd.cncf.helm.config.v1+json")),
        "disguised-image",
    ),
    "artifact-type-on-an-image": (_manifest(artifactType="application/vnd.dev.sigstore.bundle.v0.3+json"), PASS),
    "subject-on-an-image": (_manifest(subject=blob_descriptor(OCI_MANIFEST, b"{}")), PASS),
    "null": (_text(lambda _: "null"), "bad-manifest"),
    "list": (_text(lambda _: "[]"), "bad-manifest"),
    "html": (_text(lambda _: "<html>login</html>"), "bad-manifest"),
    "second-document": (_text(lambda text: text + text), "bad-manifest"),
}


def _files() -> dict[str, File]:
    return {"etc/passwd": File(PASSWD), "app/run": File(b"#!/bin/sh\n", 0o755)}


def _lots(process: str, extra: str = "") -> Callable[[], Stored]:
    return lambda: manifest_of(config_document(process, extra=extra))


def _padded(size: int) -> Callable[[], Stored]:
    def make() -> Stored:
        stored = manifest_of(CONFIG)
        return replace(stored, body=stored.body.ljust(size))

    return make


def _padded_config(size: int) -> Callable[[], Stored]:
    return lambda: manifest_of(CONFIG.ljust(size))


_DEEP = "[" * 100_000 + "]" * 100_000
_TINY = ",".join(['{"d":1}'] * 500_000)
_HISTORY = ",".join(['{"created_by":"x","empty_layer":true}'] * 100_000)
_LABELS = ",".join(f'"l{number}":"x"' for number in range(200_000))

MUCH: dict[str, tuple[Callable[[], Stored], str]] = {
    "manifest-4-mebibytes": (_padded(4 * MIB), PASS),
    "manifest-4-mebibytes-and-one": (_padded(4 * MIB + 1), "too-large"),
    "manifest-500-megabytes": (_padded(500_000_000), "too-large"),
    "config-4-mebibytes": (_padded_config(4 * MIB), PASS),
    "config-4-mebibytes-and-one": (_padded_config(4 * MIB + 1), "limit-config-bytes"),
    "config-500-megabytes": (_padded_config(500_000_000), "limit-config-bytes"),
    "depth": (_lots(f'{USER},"x":{_DEEP}'), "limit-json-depth"),
    "depth-of-the-manifest": (_text(lambda text: f'{text[:-1]},"x":{_DEEP}}}'), "limit-json-depth"),
    "depth-objects": (_lots(f'{USER},"x":' + '{"a":' * 50_000 + "1" + "}" * 50_000), "limit-json-depth"),
    "tiny-objects": (_lots(f'{USER},"x":[{_TINY}]'), "limit-json-values"),
    "layers-128": (_manifest(layers=[_layer_entry()] * 128), "limit-layers"),
    "layers-10000": (_manifest(layers=[_layer_entry()] * 10_000), "limit-layers"),
    "history": (_lots(USER, f',"history":[{_HISTORY}]'), PASS),
    "labels": (_lots(f'"config":{{"User":"1001","Labels":{{{_LABELS}}}}}'), PASS),
    "huge-integer": (_lots(f'{USER},"x":{"9" * 1_000_000}'), PASS),
    "huge-exponent": (_lots(f'{USER},"x":1e999999999'), PASS),
    "not-a-number": (_lots(f'{USER},"x":NaN'), "bad-config"),
    "infinity": (_lots(f'{USER},"x":-Infinity'), "bad-config"),
    "one-long-string": (_lots(f'{USER},"x":"{"a" * 4_000_000}"'), PASS),
    "escapes": (_lots(f'{USER},"x":"{chr(92)}u0041{(chr(92) + "u0041") * 600_000}"'), PASS),
}


def _nested(depth: int) -> Stored:
    stored = run()
    for _ in range(depth):
        stored = index([stored])
    return stored


def _wide(children: int) -> Stored:
    return index([run()] * children)


def _diamond() -> Stored:
    one = index([run()])
    return index([one, one, index([one, run(user="1002")])])


def _child_missing() -> Stored:
    stored = index([run(user="1003")])
    return replace(stored, blobs={key: value for key, value in stored.blobs.items() if key == BASE.digest})


def _doubling(depth: int) -> Stored:
    """Each level names the one below many times: 100 to the power of the depth on paper."""
    stored = run()
    for _ in range(depth):
        stored = index([stored] * 100)
    return stored


def _child_lies(**changes: object) -> Stored:
    stored = run()
    entry = {**stored.descriptor(), **changes}
    body = json.dumps({"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": [entry]}).encode()
    return Stored(body, OCI_INDEX, {**stored.blobs, stored.digest: stored.body})


NESTED: dict[str, tuple[Callable[[], Stored], str]] = {
    "depth-3": (partial(_nested, 3), PASS),
    "depth-4": (partial(_nested, 4), "limit-index-depth"),
    "depth-100": (partial(_nested, 100), "limit-index-depth"),
    "children-200": (partial(_wide, 200), PASS),
    "children-201": (partial(_wide, 201), "limit-index-children"),
    "children-10000": (partial(_wide, 10_000), "limit-index-children"),
    "diamond": (_diamond, PASS),
    "doubling": (partial(_doubling, 3), PASS),
    "child-missing": (_child_missing, "manifest-unknown"),
    "child-size": (partial(_child_lies, size=1), "size-mismatch"),
    "child-size-huge": (partial(_child_lies, size=1 << 40), "limit-manifest-bytes"),
    "child-type": (partial(_child_lies, mediaType=OCI_INDEX), PASS),
    "child-platform": (partial(_child_lies, platform={"os": "windows", "architecture": "arm64"}), PASS),
    "child-attestation": (
        partial(
            _child_lies,
            platform={"os": "unknown", "architecture": "unknown"},
            annotations={"vnd.docker.reference.type": "attestation-manifest"},
        ),
        PASS,
    ),
    "no-children": (lambda: index([]), "empty"),
    "root-among-many": (lambda: index([run(), run(user="0")]), "fail+pass"),
}


def found() -> list[Case]:
    tables = {"A-12": LIES, "A-13": CONFUSED, "A-26": MUCH, "A-27": NESTED}
    lies = [
        Case("A-12/manifest-changed", run, "digest-mismatch", faults={"corrupt_documents": True}),
        Case("A-12/digest-header-of-another", run, "digest-mismatch", faults={"digest_header": "sha256:" + "0" * 64}),
        Case("A-12/blobs-cut", run, PASS, faults={"truncated_blobs": 1}),
        Case("A-13/content-type-index", run, "media-type-mismatch", faults={"content_type": OCI_INDEX}),
        Case("A-13/content-type-html", run, "protocol-error", faults={"content_type": "text/html"}),
    ]
    return [
        *(
            case
            for group, table in tables.items()
            for case in cases(group, [(n, m, to) for n, (m, to) in table.items()])
        ),
        *lies,
    ]
