"""Lists the corpus, a JSON line for each image: `python -m tests.hostile`."""

from __future__ import annotations

import json
import sys

from tests.hostile.corpus import CORPUS

for case in CORPUS:
    line = {"id": case.id, "expected": case.expect, "seconds": case.seconds, "limits": dict(case.limits)}
    sys.stdout.write(json.dumps(line) + "\n")
