"""A web process has loaded everything before its first request, and leaves it out of its garbage collection."""

from __future__ import annotations

import subprocess
import sys

_ASKED = """
import gc, sys
import compliance.project.wsgi
from django.template import engines
(loader,) = engines["django"].engine.template_loaders
print("compliance.views.overview" in sys.modules)
print("compliance/overview/page.html" in loader.loaders[0].get_template_cache)
print(gc.get_freeze_count() > 100_000)
"""


def test_a_web_process_has_loaded_all_of_it_and_looks_through_none_of_it_again() -> None:
    done = subprocess.run([sys.executable, "-c", _ASKED], capture_output=True, text=True, timeout=60, check=False)
    assert done.stdout.split() == ["True"] * 3, done.stderr
