"""Content-addressed and immutable: layers, images (facts), indexes. And judgement, which is not."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from typing import Any

from django.db import connection, models

from compliance.models.lease import Leased, LeasedQuerySet
from compliance.models.registry import PolicyVersion
from scanner.domain.declared_base import LONGEST as LONGEST_BASE


class VerdictChoice(models.TextChoices):
    """``scanner.domain.verdict.Verdict`` as a column."""

    PASS = "pass", "Pass"
    FAIL = "fail", "Fail"
    UNKNOWN = "unknown", "Unknown"
    NOT_APPLICABLE = "not_applicable", "Not applicable"


class ShownChoice(models.TextChoices):
    """What lists and counts say: a verdict, or that its violations are waived."""

    PASS = "pass", "Pass"
    FAIL = "fail", "Fail"
    UNKNOWN = "unknown", "Unknown"
    WAIVED = "waived", "Waived"
    NOT_APPLICABLE = "not_applicable", "Not applicable"


@dataclass(frozen=True, slots=True)
class LayerRead:
    """A layer as whoever claimed it found it."""

    digest: str
    diff_id: str
    media_type: str
    size: int
    entries: int
    index: bytes


_STORE = """
    UPDATE compliance_layer AS layer
       SET diff_id = new.diff_id, media_type = new.media_type, size = new.size, entries = new.entries,
           "index" = new."index", indexed_at = %s, lease_token = NULL, lease_until = NULL, attempts = 0,
           problem_code = '', problem_message = '', problem_remedy = '', problem_allowed = NULL
      FROM unnest(%s::text[], %s::text[], %s::text[], %s::bigint[], %s::integer[], %s::bytea[])
        AS new (digest, diff_id, media_type, size, entries, "index")
     WHERE layer.digest = new.digest AND layer.lease_token = %s
"""


_MAKE = """
    INSERT INTO compliance_layer (digest, size, media_type, diff_id, problem_code, problem_message, problem_remedy,
                                  lease_token, lease_until, attempts)
    SELECT digest, size, media_type, '', '', '', '', CASE WHEN taken THEN %(token)s::uuid END,
           CASE WHEN taken THEN statement_timestamp() + %(lease)s END, taken::int
      FROM (SELECT digest, size, media_type, place <= %(most)s AS taken
              FROM unnest(%(digests)s::text[], %(sizes)s::bigint[], %(media_types)s::text[]) WITH ORDINALITY
                AS new (digest, size, media_type, place)) AS new
     ORDER BY digest
        ON CONFLICT DO NOTHING
 RETURNING digest, lease_token IS NOT NULL
"""


class LayerQuerySet(LeasedQuerySet["Layer"]):
    """Layers as work."""

    def make(
        self, layers: Mapping[str, tuple[int, str]], lease: timedelta, *, most: int
    ) -> tuple[uuid.UUID, frozenset[str]]:
        """Make the rows that are missing, taken under one token; return it and the digests of those taken.

        :param layers: size and media type by digest.
        :param most: how many to take of them; the others are made for whoever comes first.
        """
        token = uuid.uuid4()
        digests = sorted(layers)  # in one order, so that no two wait for each other in a circle
        values: dict[str, Any] = {
            "token": token,
            "lease": lease,
            "most": most,
            "digests": digests,
            "sizes": [layers[digest][0] for digest in digests],
            "media_types": [layers[digest][1] for digest in digests],
        }
        with connection.cursor() as cursor:
            cursor.execute(_MAKE, values)
            return token, frozenset(digest for digest, taken in cursor.fetchall() if taken)

    def store(self, layers: Sequence[LayerRead], token: uuid.UUID, *, now: datetime) -> int:
        """Write indexes and give the rows back, those that are still held under the token; return how many.

        One statement: for small layers its round trip takes longer than reading them.
        """
        ordered = sorted(layers, key=lambda layer: layer.digest)
        columns = [[getattr(layer, column.name) for layer in ordered] for column in fields(LayerRead)]
        with connection.cursor() as cursor:
            cursor.execute(_STORE, [now, *columns, token])
            return int(cursor.rowcount)


class Layer(Leased):
    """One layer of the whole fleet; ``index`` is ``LayerIndex.to_bytes()``, made once by whoever holds the lease.

    A problem counts only for images that describe the layer alike (diff_id, size): one that lies about it must not
    spoil the layer for others. ``problem_allowed`` is the limit that was passed: raised since, it is tried again.
    """

    digest = models.CharField(primary_key=True, max_length=135)
    diff_id = models.CharField(max_length=135)
    media_type = models.CharField(max_length=255)
    size = models.BigIntegerField()
    index = models.BinaryField(null=True)
    entries = models.PositiveIntegerField(null=True)
    indexed_at = models.DateTimeField(null=True)
    problem_code = models.CharField(max_length=64, blank=True)
    problem_message = models.TextField(blank=True)
    problem_remedy = models.TextField(blank=True)
    problem_allowed = models.FloatField(null=True)

    objects = LayerQuerySet.as_manager()

    def __str__(self) -> str:
        return self.digest


class Outline(models.Model):
    """What the rules said of some images, without any policy: ``text`` is ``scanner.domain.outline.dump_outline``.

    A fleet of a million images has a few hundred of them. ``digest`` is that of the text, which is never changed.
    """

    digest = models.CharField(max_length=64, unique=True)
    text = models.TextField()

    def __str__(self) -> str:
        return self.text


class BaseImage(models.Model):
    """What images say they were built on, as ``scanner.domain.declared_base.base_name`` spells it; never changed."""

    name = models.CharField(max_length=LONGEST_BASE, unique=True)

    def __str__(self) -> str:
        return self.name


class Image(models.Model):
    """One platform's manifest. Exactly one of facts, ``artifact`` and ``problem_code`` says what it is.

    ``declared_user``, ``uid``, ``gid``, ``runs_as``, ``identity`` (``PlatformSummary.identity``) and ``outline`` are
    derived from the facts, by the rules of ``outline_revision`` (``scanner.judge.REVISION``); under newer rules the
    image is asked again. ``facts_schema`` is ``scanner.storage.FACTS_SCHEMA`` as of the reading, whatever came of it:
    what an older release read counts until a scan reads it again. ``problem_allowed``: see ``Layer``.
    ``config_document`` is the verified config as the registry gave it, compressed with zlib. ``run_key`` is equal for
    images that run alike: declared user, uid, gid and entrypoint (``remediation.run_key``). ``base`` is what its
    builder claims; nothing is judged by it.
    """

    digest = models.CharField(max_length=135, unique=True)
    config_digest = models.CharField(max_length=135, blank=True)
    platform = models.CharField(max_length=100, blank=True)
    artifact = models.CharField(max_length=200, blank=True)
    facts = models.BinaryField(null=True)
    facts_schema = models.PositiveSmallIntegerField(default=1)
    config_document = models.BinaryField(null=True)
    size = models.BigIntegerField(default=0)
    built_at = models.DateTimeField(null=True)
    first_seen_at = models.DateTimeField()
    declared_user = models.TextField(blank=True)
    uid = models.BigIntegerField(null=True)
    gid = models.BigIntegerField(null=True)
    runs_as = models.CharField(max_length=200, blank=True)
    identity = models.CharField(max_length=300, blank=True)
    run_key = models.CharField(max_length=32, blank=True, default="", db_default="")
    base = models.ForeignKey(
        BaseImage, null=True, blank=True, on_delete=models.PROTECT, related_name="+", db_index=False
    )
    outline = models.ForeignKey(Outline, null=True, blank=True, on_delete=models.PROTECT, related_name="images")
    outline_revision = models.PositiveIntegerField(default=0, db_index=True)
    problem_code = models.CharField(max_length=64, blank=True)
    problem_message = models.TextField(blank=True)
    problem_remedy = models.TextField(blank=True)
    problem_allowed = models.FloatField(null=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=models.Q(facts__isnull=False) | ~models.Q(artifact="") | ~models.Q(problem_code=""),
                name="image_says_what_it_is",
            ),
        ]

    def __str__(self) -> str:
        return self.digest


class Index(models.Model):
    """A manifest list; its images in the order of the document.

    Where a registry's scope leaves platforms out, its tags point to a row of their own with the images that were read:
    ``platforms`` is ``ScanScope.platform_key``, empty for all. ``repeats``: two of its images may be of one platform,
    and nobody can say which of them is started.
    """

    digest = models.CharField(max_length=135)
    platforms = models.CharField(max_length=800, blank=True, default="", db_default="")
    media_type = models.CharField(max_length=255)
    repeats = models.BooleanField(default=False, db_default=False)
    first_seen_at = models.DateTimeField()
    images: models.ManyToManyField[Image, IndexImage] = models.ManyToManyField(
        Image, through="IndexImage", related_name="indexes"
    )

    class Meta:
        constraints = [models.UniqueConstraint(fields=["digest", "platforms"], name="index_once")]

    def __str__(self) -> str:
        return self.digest


class IndexImage(models.Model):
    """One child of an index, with the platform the index gives it."""

    index = models.ForeignKey(Index, on_delete=models.CASCADE, related_name="children")
    image = models.ForeignKey(Image, on_delete=models.PROTECT, related_name="+")
    position = models.PositiveIntegerField()
    platform = models.CharField(max_length=100, blank=True)

    class Meta:
        ordering = ["position"]
        constraints = [models.UniqueConstraint(fields=["index", "position"], name="index_position")]


class Evaluation(models.Model):
    """An outline under one version of a policy, and so every image that has it.

    ``failed_on`` names the rules that decided a *fail* and ``unsure_of`` those that decided an *unknown*. What an
    image page shows of it is judged from the facts when it is asked for.
    """

    outline = models.ForeignKey(Outline, on_delete=models.CASCADE, related_name="evaluations")
    policy_version = models.ForeignKey(PolicyVersion, on_delete=models.CASCADE, related_name="evaluations")
    verdict = models.CharField(max_length=16, choices=VerdictChoice.choices)
    score = models.PositiveSmallIntegerField(null=True)
    failed_on = models.JSONField(default=list)
    unsure_of = models.JSONField(default=list)
    violated = models.JSONField(default=list)
    evaluated_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["outline", "policy_version"], name="evaluation_once"),
            models.CheckConstraint(
                condition=models.Q(score=None) | models.Q(score__lte=100), name="evaluation_score_range"
            ),
        ]
