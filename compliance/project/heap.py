"""What a web process loads once and keeps."""

from __future__ import annotations

import gc
from pathlib import Path

from django.template import engines
from django.template.backends.django import DjangoTemplates
from django.urls import get_resolver


def settle() -> None:
    """Load every view and template now, and let no request wait while all of it is looked through for garbage.

    Without it, a page's first request takes up to a second longer, and about one in ten some 100 ms: a full collection
    goes over every module and template.
    """
    get_resolver().url_patterns  # noqa: B018  # reading it imports the views
    for engine in engines.all():
        if isinstance(engine, DjangoTemplates):
            _load_templates(engine)
    gc.collect()
    gc.freeze()


def _load_templates(engine: DjangoTemplates) -> None:
    for folder in map(Path, engine.dirs):
        for path in sorted(folder.rglob("*.html")):
            engine.get_template(str(path.relative_to(folder)))
