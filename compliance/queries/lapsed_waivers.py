"""Waivers that have ended and that nothing has ended: what they cover reads waived, and should not any more."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from django.conf import settings
from django.db.models import DateTimeField
from django.db.models.expressions import RawSQL

from compliance.access import Role
from compliance.models import StatusChoice

# In the words of the database: it is asked with every page, and Django takes longer to find these than it to answer.
_FIRST: Final = """
(SELECT min(w.expires_at) FROM compliance_waiver w
 WHERE w.reopened_at IS NULL AND w.revoked_at IS NULL
    AND w.expires_at <= %s
    AND EXISTS (
        SELECT FROM compliance_finding f JOIN compliance_repository r ON r.id = f.repository_id
        WHERE f.waiver_id = w.id AND f.status = %s
            AND (compliance_user.role <> %s OR EXISTS (
                SELECT FROM compliance_membership m WHERE m.user_id = compliance_user.id AND m.team_id = r.team_id))))
"""


def lapsed_since(now: datetime) -> RawSQL:
    """When the first of them ended that covers what a person sees: a part of the query that reads the person anyway.

    ``None`` where there is none, and as long as the tick that ends them may still come in time.
    """
    late = now - timedelta(seconds=settings.TICK_LATE_SECONDS)
    told = (late, StatusChoice.WAIVED.value, Role.MEMBER.value)
    return RawSQL(_FIRST, told, DateTimeField())  # noqa: S611  # nothing in it comes from outside
