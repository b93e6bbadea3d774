"""People."""

from __future__ import annotations

from django.contrib.auth.models import AbstractUser
from django.db import models


class User(AbstractUser):
    """Somebody who can log in. Staff may add and change registries; everybody may look and scan."""

    time_zone = models.CharField(max_length=64, default="UTC")
