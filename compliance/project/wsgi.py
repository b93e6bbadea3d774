"""The WSGI application for gunicorn."""

from __future__ import annotations

import os

from django.core.wsgi import get_wsgi_application

from compliance.project.heap import settle

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "compliance.project.settings")
application = get_wsgi_application()
settle()
