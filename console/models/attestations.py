"""Attestations and what people reported about their proofs, as the site shows them."""

from django.db import models

from console.models.shown import Shown


class Attestation(Shown):
    STATES = ["frozen", "built", "signed", "open"]

    id = models.BigIntegerField(primary_key=True)
    on = models.DateField("day")
    instant = models.DateTimeField()
    liabilities = models.BigIntegerField("owed")
    receivable = models.BigIntegerField()
    reserve = models.BigIntegerField()
    reserve_asof = models.DateTimeField()
    evidence = models.TextField()
    ledger_head = models.TextField()
    depth = models.SmallIntegerField(null=True)
    root = models.TextField(null=True)
    software = models.TextField()
    corrects = models.BigIntegerField(null=True)
    frozen_at = models.DateTimeField("frozen")
    built_at = models.DateTimeField("built", null=True)
    signed_at = models.DateTimeField("signed", null=True)
    digest = models.TextField(null=True)
    previous = models.TextField(null=True)
    opened_at = models.DateTimeField("proofs open", null=True)
    state = models.TextField(choices=[(state, state) for state in STATES])
    places = models.JSONField()
    complaints = models.BigIntegerField("reports")

    class Meta(Shown.Meta):
        abstract = False
        db_table = "console_attestation"

    def __str__(self) -> str:
        return f"Attestation of {self.on}"


class ProofComplaint(Shown):
    id = models.BigIntegerField(primary_key=True)
    on = models.DateField("day")
    person_id = models.TextField()
    username = models.TextField(null=True)
    step = models.TextField("failed step")
    expected = models.BigIntegerField("expected", null=True)
    words = models.TextField()
    made_at = models.DateTimeField("reported")
    answered_at = models.DateTimeField("answered", null=True)

    class Meta(Shown.Meta):
        abstract = False
        db_table = "console_proofcomplaint"
        verbose_name, verbose_name_plural = "report about a proof", "reports about proofs"

    def __str__(self) -> str:
        return f"@{self.username}, {self.on}"
