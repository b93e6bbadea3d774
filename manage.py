#!/usr/bin/env python
"""Django's command line."""

from __future__ import annotations

import atexit
import os
import sys

from compliance.localstack import LocalStackError
from compliance.localstack.environment import LocalEnvironment


def main() -> None:
    """Run one management command."""
    if sys.argv[1:2] == ["up"] and not {"-h", "--help"} & set(sys.argv):
        _complete_environment()
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "compliance.project.settings")
    from django.core.management import execute_from_command_line

    execute_from_command_line(sys.argv)


def _complete_environment() -> None:
    # Before Django: its settings cannot be read until there are servers to name.
    local = LocalEnvironment()
    try:
        os.environ.update(local.complete())
    except LocalStackError as error:
        sys.exit(str(error))
    atexit.register(local.leave)


if __name__ == "__main__":
    main()
