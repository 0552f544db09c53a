"""Two tables every operation may use: answers already given, and jobs to hand to the worker."""

from django.db import models
from django.db.models.functions import Now


class IdempotencyKey(models.Model):
    """An answer given once, replayed for the same key (IETF Idempotency-Key draft 07)."""

    scope = models.CharField(max_length=64)  # who and what: "buyer:12:file"
    key = models.CharField(max_length=255)
    fingerprint = models.BinaryField(max_length=32)  # SHA-256 of method, path and body
    answer = models.JSONField()
    status = models.PositiveSmallIntegerField(default=200)
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [models.UniqueConstraint(fields=["scope", "key"], name="idempotency_key_once")]
        indexes = [models.Index(fields=["created_at"], name="idempotency_by_age")]


class OutboxJob(models.Model):
    """A task to hand to the broker, written in the transaction that makes it necessary.

    The scheduler publishes and removes rows. The row is a hint too: each task can be found again by a sweep.
    """

    task = models.CharField(max_length=100)  # Celery task name
    args = models.JSONField(default=list)
    created_at = models.DateTimeField(db_default=Now())
