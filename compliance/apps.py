"""The Django app. No work happens in ``ready``."""

from __future__ import annotations

from django.apps import AppConfig


class ComplianceConfig(AppConfig):
    """Everything between Postgres and the browser."""

    name = "compliance"
    verbose_name = "Plimsoll"
