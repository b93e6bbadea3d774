"""What the demo registry can be told to do wrong, and what it remembers of who asked."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Seen:
    """One request as it arrived."""

    method: str
    path: str
    authorization: str | None
    cookie: str | None = None

    @property
    def with_authorization(self) -> bool:
        return self.authorization is not None


@dataclass(slots=True)
class Faults:
    """Everything off by default; tests switch while the registry runs.

    Counters (``server_errors``, ``truncated_blobs`` …) count down, one per request they spoil.
    """

    unauthorized_forever: bool = False
    new_scope_each_time: bool = False
    realm: str | None = None
    """Named in challenges instead of the registry's own token endpoint."""
    token_status: int | None = None
    token_body: bytes | None = None
    token_post_status: int | None = None
    """Answer POST to the token endpoint with this status, as services without the OAuth2 form do."""
    token_redirect: str | None = None
    expires_in: object = 300
    server_errors: int = 0
    server_error_status: int = 503
    statuses: dict[str, int] = field(default_factory=dict)
    """Paths, without the query, that are answered with these statuses."""
    too_many_requests: int = 0
    retry_after: str | None = "0"
    redirect_documents_to: str | None = None
    redirect_blobs_to: str | None = None
    redirect_loop: bool = False
    catalog_status: int | None = None
    catalog_body: bytes | None = None
    largest_page: int = 1_000
    clamps_pages: bool = False
    """Above ``largest_page`` give that many names, as for tags; else 400 ``PAGINATION_NUMBER_INVALID``."""
    endless_pages: bool = False
    repeated_page: bool = False
    link: str | None = None
    """Sent as the address of the next page, on every page."""
    null_tags: bool = False
    no_digest_header: bool = False
    digest_header: str | None = None
    corrupt_documents: bool = False
    content_type: str | None = None
    wrong_length: int = 0
    """Added to Content-Length of documents."""
    truncated_blobs: int = 0
    ignores_range: bool = False
    seconds_before_head: float = 0.0
    seconds_between_bytes: float = 0.0
    raw_answer: bytes | None = None
    """Written instead of any answer, then the connection is closed."""
    set_cookie: str | None = None
    headers: dict[str, str] = field(default_factory=dict)
