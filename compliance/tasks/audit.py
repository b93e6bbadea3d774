"""Checking the audit trail, once a day."""

from __future__ import annotations

import logging

from celery import shared_task

from compliance.models.clock import database_now
from compliance.services.verify_audit import check_audit

logger = logging.getLogger(__name__)


@shared_task(name="compliance.check_audit", ignore_result=True)
def check(**_later: object) -> None:
    """Verify the whole trail and say in the log what is wrong with it."""
    for problem in check_audit(database_now()).problems:
        logger.error("the audit trail is not what was written: %s", problem)
