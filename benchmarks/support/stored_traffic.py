"""What happened around a fleet as rows: scans, pushes, messages to people, the audit trail."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from benchmarks.support.stored_fleet import execute
from compliance.models import Channel, Registry, Team
from compliance.services.webhook_endpoints import make_endpoint

# Three of four are of single tags, for a push.
_SCANS = """
INSERT INTO compliance_scan (registry_id, trigger, partial, state, attempts, requests, bytes, cache_hits,
    listing_requests, listing_bytes, requested_at, started_at, listed_at, finished_at, repositories_total,
    repositories_done, repositories_failed, tags_total, tags_done, images_new, layers_indexed, new, fixed,
    problem_code, problem_message, problem_remedy)
SELECT (%(registries)s::bigint[])[1 + n %% array_length(%(registries)s::bigint[], 1)],
    CASE WHEN n %% 4 = 0 THEN 'schedule' ELSE 'webhook' END, n %% 4 <> 0, 'done', 1, 100, 100000, 90, 1, 1000,
    at, at, at, at + interval '9 minutes', 1, 1, 0, 10, 10, 1, 3, n %% 5, n %% 3, '', '', ''
FROM generate_series(%(scans)s, 1, -1) n CROSS JOIN LATERAL (SELECT %(now)s - n * interval '10 minutes' AS at) began
"""

_PARTS = """
INSERT INTO compliance_repositoryscan (scan_id, repository_id, state, attempts, requests, bytes, cache_hits, cursor,
    started_at, finished_at, tags_total, tags_done, images_new, layers_indexed, new, fixed)
SELECT s.id, r.id, 'done', 1, 102, 100000, 90, '', s.started_at, s.finished_at, 100, 100, 1, 3, r.id %% 5, r.id %% 3
FROM (SELECT DISTINCT ON (registry_id) * FROM compliance_scan WHERE NOT partial ORDER BY registry_id, id DESC) s
JOIN compliance_repository r USING (registry_id)
"""

_ERRORS = """
INSERT INTO compliance_scanerror (scan_id, repository_id, code, message, remedy, subject, count, at)
SELECT scan_id, repository_id, 'timeout', 'No answer in 30 s.', 'Wait.', '', 3, finished_at
FROM compliance_repositoryscan WHERE id %% 20 = 0
"""

_EVENTS = """
INSERT INTO compliance_inboundevent (registry_id, product, received_at, outcome, reason, content_type, headers, body,
    body_size, milliseconds)
SELECT (%(registries)s::bigint[])[1 + n %% array_length(%(registries)s::bigint[], 1)], 'distribution',
    %(now)s - n * interval '2 minutes', CASE WHEN n %% 10 = 0 THEN 'ignored' ELSE 'accepted' END, '',
    'application/json', '{}', '{"events": []}', 14, 4.5
FROM generate_series(%(events)s, 1, -1) n;
INSERT INTO compliance_push (event_id, registry_id, kind, state, event_key, repository, tag, digest, received_at,
    scan_id)
SELECT e.id, e.registry_id, 'pushed', 'joined', 'e' || e.id, r.name, 'v1.' || 1 + e.id %% %(tags)s, '', e.received_at,
    (SELECT max(id) FROM compliance_scan)
FROM compliance_inboundevent e JOIN (SELECT row_number() OVER (ORDER BY id) AS at, name, count(*) OVER () AS n
    FROM compliance_repository) r ON r.at = 1 + e.id %% r.n
WHERE e.outcome = 'accepted' ORDER BY e.id
"""

_MESSAGES = """
INSERT INTO compliance_delivery (channel_id, kind, about, message, state, attempts, created_at, next_at, ended_at)
SELECT c.id, 'critical', 'finding:' || n, '{"title": "A new critical finding", "lines": []}', 'sent', 1, at, at, at
FROM generate_series(%(messages)s, 1, -1) n CROSS JOIN compliance_channel c
CROSS JOIN LATERAL (SELECT %(now)s - n * interval '3 hours' AS at) sent;
INSERT INTO compliance_deliveryattempt (delivery_id, at, ok, status, milliseconds, words)
SELECT id, ended_at, true, 200, 80, '' FROM compliance_delivery
"""

# Sealed but for the last few, as a running installation leaves it; the links are no real ones.
_TRAIL = """
INSERT INTO compliance_auditevent (at, action, actor, actor_name, kind, object, name, data, context, source, source_row,
    number, link, mac, key)
SELECT f.changed_at, 'changed', f.assignee_id, 'person', 'finding', f.id::text, '',
    jsonb_build_object('rule', f.rule, 'status', f.status, 'repository_id', f.repository_id), '{}', 'FindingHistory',
    place, CASE WHEN sealed THEN place + taken.n END, CASE WHEN sealed THEN '\\x00'::bytea END,
    CASE WHEN sealed THEN '\\x00'::bytea END, ''
FROM (SELECT *, row_number() OVER (ORDER BY changed_at) AS place,
    row_number() OVER (ORDER BY changed_at) <= count(*) OVER () - 20 AS sealed
    FROM compliance_finding WHERE status <> 'new') f
CROSS JOIN (SELECT COALESCE(max(number), 0) AS n FROM compliance_auditevent) taken
ORDER BY place
"""


def fill_traffic(tags: int, *, now: datetime) -> None:
    """Write a month of scans and pushes, messages of every team's chat, and a trail of what was done to findings.

    :param tags: of each repository.
    """
    homes = list(Registry.objects.order_by("pk"))
    for home in homes:
        make_endpoint(home, "distribution", now=now)
    Channel.objects.bulk_create(
        Channel(
            kind="slack", name="Chat", team=team, target="https://chat.example/x", host="chat.example", created_at=now
        )
        for team in Team.objects.all()
    )
    values: dict[str, Any] = {
        "registries": [home.pk for home in homes],
        "scans": 4_000,
        "events": 20_000,
        "messages": 50,
        "tags": tags,
        "now": now,
    }
    execute((_SCANS, _PARTS, _ERRORS, _EVENTS, _MESSAGES, _TRAIL), values)
