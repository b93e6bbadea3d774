"""What Django's own error pages, which developers see with DEBUG, may show: the way to a fault, nobody's secrets."""

from __future__ import annotations

import re
from collections.abc import ItemsView
from types import FrameType
from typing import Any

from django.http import HttpRequest
from django.views.debug import SafeExceptionReporterFilter


class NoValues(SafeExceptionReporterFilter):
    """Hides always, not only without DEBUG; of variables it names the types, because any may hold a password."""

    hidden_settings = re.compile(
        "API|AUTH|TOKEN|KEY|SECRET|PASS|SIGNATURE|HTTP_COOKIE|URL|SESSION", flags=re.IGNORECASE
    )

    def is_active(self, request: HttpRequest | None) -> bool:
        """With DEBUG too."""
        return True

    def get_post_parameters(self, request: HttpRequest | None) -> dict[str, Any]:
        """Names of what was sent."""
        return {} if request is None else dict.fromkeys(request.POST, self.cleansed_substitute)

    def get_traceback_frame_variables(self, request: Any, tb_frame: FrameType) -> ItemsView[str, Any]:
        """Names and types."""
        return {name: type(value) for name, value in tb_frame.f_locals.items()}.items()
