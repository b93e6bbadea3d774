"""GitLab on one's own servers announces pushes as Distribution does; GitLab.com announces none."""

from __future__ import annotations

from typing import Final

from compliance.webhooks.distribution import ENVELOPE, read
from compliance.webhooks.proof import HeaderSecret
from compliance.webhooks.sender import Sample, Sender, Step

_RUBY: Final = """registry['notifications'] = [
  {
    'name' => 'plimsoll',
    'url' => '{url}',
    'timeout' => '5s',
    'threshold' => 5,
    'backoff' => '10s',
    'headers' => {
      'Authorization' => ['Bearer {secret}']
    }
  }
]
"""

SENDER: Final = Sender(
    key="gitlab",
    title="GitLab",
    proofs=(HeaderSecret("Authorization"),),
    read=read,
    steps=(
        Step("Add this to /etc/gitlab/gitlab.rb.", _RUBY),
        Step("Apply it.", "sudo gitlab-ctl reconfigure"),
    ),
    sample=Sample({"content-type": "application/vnd.docker.distribution.events.v2+json"}, ENVELOPE),
    note="GitLab.com has no event for pushes to its registry: there, only scans find them.",
)
