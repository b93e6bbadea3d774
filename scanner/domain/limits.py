"""The bounds inside which untrusted bytes are read. Each is configurable and named in the error it causes."""

from __future__ import annotations

from dataclasses import dataclass

KIB = 1024
MIB = 1024 * KIB
GIB = 1024 * MIB


@dataclass(frozen=True, slots=True)
class Limits:
    """Defaults follow what containerd, moby, containers/image and Go's archive/tar enforce.

    Sizes are bytes, times are seconds. ``compliance`` reads ``PLIMSOLL_<NAME>`` for each field. How long a line of an
    account file may be is no limit of ours but what the runtimes do, and so a constant: ``accounts.PASSWD_LINE_BYTES``.
    """

    # JSON documents
    manifest_bytes: int = 4 * MIB
    config_bytes: int = 4 * MIB
    json_depth: int = 64
    json_values: int = 250_000
    descriptors: int = 2_000
    layers: int = 127
    index_depth: int = 3
    index_children: int = 200
    token_bytes: int = 64 * KIB
    error_bytes: int = 64 * KIB
    listing_bytes: int = 4 * MIB
    # layers
    layer_compressed_bytes: int = 5 * GIB
    image_compressed_bytes: int = 20 * GIB
    layer_uncompressed_bytes: int = 10 * GIB
    image_uncompressed_bytes: int = 40 * GIB
    compression_ratio: int = 200
    compression_ratio_after_bytes: int = 256 * MIB
    zstd_window_log: int = 27
    compressed_members: int = 1_000_000
    layer_entries: int = 2_000_000
    image_entries: int = 5_000_000
    tar_header_bytes: int = MIB
    tar_special_headers: int = 1_000
    tar_records: int = 10_000_000
    sparse_map_bytes: int = MIB
    layer_text_bytes: int = 128 * MIB
    path_bytes: int = 4_096
    path_depth: int = 256
    account_file_bytes: int = 10 * MIB
    account_versions_bytes: int = 64 * MIB
    symlink_hops: int = 40
    path_steps: int = 5_000_000
    implied_paths: int = 1_000_000
    toc_bytes: int = 64 * MIB
    link_fetches: int = 2
    # archives of docker save
    archive_bytes: int = 40 * GIB
    archive_members: int = 100_000
    # the process that reads one layer
    child_memory_bytes: int = 512 * MIB
    child_cpu_seconds: int = 120
    child_seconds: float = 600.0
    # deployment files
    deployment_bytes: int = MIB
    deployment_documents: int = 2_000
    deployment_containers: int = 500
    deployment_images: int = 50
    # the network
    connect_seconds: float = 5.0
    first_byte_seconds: float = 15.0
    idle_seconds: float = 30.0
    body_seconds: float = 1_800.0
    floor_bytes_per_second: int = 16 * KIB
    body_bytes_per_second: int = 256 * KIB
    question_requests: int = 16
    redirects: int = 5
    auth_rounds: int = 2
    retries: int = 4
    retry_wait_seconds: float = 5.0
    pages: int = 1_000
    tags: int = 100_000
    repositories: int = 100_000


DEFAULT_LIMITS = Limits()
