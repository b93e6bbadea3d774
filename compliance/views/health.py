"""Probes: alive, and ready for requests."""

from __future__ import annotations

import redis
from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.db import DatabaseError, connection
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.http import require_safe

_SECONDS = 2


@require_safe
@login_not_required
def alive(request: HttpRequest) -> HttpResponse:
    """The process answers; says nothing about anything else, so that an outage of Postgres restarts nobody."""
    return HttpResponse("ok\n", content_type="text/plain")


@require_safe
@login_not_required
def ready(request: HttpRequest) -> HttpResponse:
    """Postgres and Redis answer."""
    parts = {"database": _database(), "broker": _broker()}
    return JsonResponse(parts, status=200 if all(state == "ok" for state in parts.values()) else 503)


def _database() -> str:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except DatabaseError:
        return "unreachable"
    return "ok"


def _broker() -> str:
    client = redis.Redis.from_url(settings.REDIS_URL, socket_timeout=_SECONDS, socket_connect_timeout=_SECONDS)
    try:
        client.ping()
    except (redis.RedisError, OSError):
        return "unreachable"
    finally:
        client.close()
    return "ok"
