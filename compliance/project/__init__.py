"""The composition root: settings, URLs, WSGI and Celery applications. Imported by nothing below it."""

from compliance.project.celery import app as celery_app

__all__ = ["celery_app"]
