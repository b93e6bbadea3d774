"""What would happen if somebody started this image so? Facts and a start in, an answer out; nothing is run."""

from __future__ import annotations

from scanner.domain.facts import ImageFacts
from scanner.domain.start import Start
from scanner.whatif.answer import Consequences as Consequences
from scanner.whatif.answer import HostIds as HostIds
from scanner.whatif.answer import Outcome as Outcome
from scanner.whatif.answer import Refusal as Refusal
from scanner.whatif.answer import RefusedBy as RefusedBy
from scanner.whatif.answer import Started as Started
from scanner.whatif.answer import WhatIf as WhatIf
from scanner.whatif.consequences import consequences_of
from scanner.whatif.identity import started_as
from scanner.whatif.platforms import platform_answers


def what_if(facts: ImageFacts, start: Start) -> WhatIf:
    """Answer who the container is under a start, what it can no longer do, and what platforms say."""
    started = started_as(facts, start)
    if facts.config.platform.os == "windows":
        return WhatIf(started, None, {}, _WINDOWS)
    return WhatIf(started, consequences_of(facts, started), platform_answers(facts, start))


_WINDOWS = "A Windows image has no uids: none of these settings changes who it runs as."
