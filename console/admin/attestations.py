"""Attestations, with how far each has got; what people reported about their proofs; and asking for one now."""

from collections.abc import Mapping, Sequence
from typing import Any

from django.contrib import admin
from django.utils.html import format_html, format_html_join
from unfold.decorators import display

from console.admin.actions import Action
from console.admin.base import ReadOnly, code, money, plain, to, when
from console.admin.reconciliation import NobodysRows
from console.models import Attestation, ProofComplaint
from console.site import site
from core.clock import now
from core.errors import ValidationError
from transparency import services
from transparency.proofs.attestation import epoch_of

STATES = {"open": "success", "signed": "warning", "built": "warning", "frozen": "warning"}


class AttestNow(Action):
    name, title = "attest", "Attest today now"
    acts = "attest"
    hint = "For when today's attestation is late. One day has one text: it is never issued again."

    def preview(self, row: None, given: Mapping[str, Any]) -> Sequence[str]:
        today = Attestation.objects.filter(id=epoch_of(now())).first()
        if today is not None and today.signed_at is not None:
            raise ValidationError("Today has its attestation. What it says wrong is corrected by the next day's.")
        return [
            "What is owed to people is frozen as of this moment, or as of when an unfinished run froze it.",
            "It is signed, published in all places, and can never be taken back. Then proofs are open.",
        ]

    def do(self, row: None, given: Mapping[str, Any], *, staff_id: int, reason: str) -> str:
        services.wish_attestation(staff_id=staff_id, reason=reason)
        return "Asked for. It will be here in a few seconds."


class Answer(Action):
    name, title = "answer", "It is answered"
    acts = "complaint.answer"
    hint = "The reason says what it was, and what the person was told."

    def offered(self, row: ProofComplaint) -> bool:
        return row.answered_at is None

    def preview(self, row: ProofComplaint, given: Mapping[str, Any]) -> Sequence[str]:
        return ["It leaves the list of open reports. The public count of the day's reports stays."]

    def do(self, row: ProofComplaint, given: Mapping[str, Any], *, staff_id: int, reason: str) -> str:
        services.answer_complaint(complaint=row.pk, staff_id=staff_id, reason=reason)
        return "Answered."


@admin.register(Attestation, site=site)
class AttestationAdmin(NobodysRows):
    list_actions = (AttestNow,)
    list_display = ("day", "state_", "owed", "reserve_", "instant_", "reports", "code_")
    list_display_links = ("day",)
    list_filter = ("state",)
    ordering = ("-id",)
    sections_of_page = (
        (None, ("day", "state_", "instant_", "corrects_")),
        ("Figures", ("owed", "receivable_", "reserve_", "told", "evidence_")),
        ("The text", ("digest_", "previous_", "root_", "head", "software_")),
        ("Steps", ("frozen", "built", "signed", "places_", "opened")),
        ("More", ("reports",)),
    )

    @display(description="Day", ordering="on")
    def day(self, row: Attestation) -> str:
        return when(row.on)

    @display(description="State", ordering="state", label=STATES)
    def state_(self, row: Attestation) -> str:
        return row.state

    @display(description="Owed to people", ordering="liabilities")
    def owed(self, row: Attestation) -> str:
        return money(row.liabilities)

    @display(description="Owed by people")
    def receivable_(self, row: Attestation) -> str:
        return money(row.receivable)

    @display(description="Held, as custodians say", ordering="reserve")
    def reserve_(self, row: Attestation) -> str:
        return money(row.reserve)

    @display(description="Said (UTC)")
    def told(self, row: Attestation) -> str:
        return when(row.reserve_asof)

    @display(description="What the hash of evidence is of")
    def evidence_(self, row: Attestation) -> str:
        return format_html("<pre>{}</pre>", row.evidence)

    @display(description="As of (UTC)")
    def instant_(self, row: Attestation) -> str:
        return when(row.instant)

    @display(description="Corrects")
    def corrects_(self, row: Attestation) -> str:
        earlier = Attestation.objects.filter(id=row.corrects).first() if row.corrects is not None else None
        return to("attestation", earlier.pk, when(earlier.on)) if earlier else "–"

    @display(description="Code of the day")
    def code_(self, row: Attestation) -> str:
        return code(row.digest[:8]) if row.digest else "–"

    @display(description="Digest")
    def digest_(self, row: Attestation) -> str:
        return code(row.digest) if row.digest else "–"

    @display(description="Follows")
    def previous_(self, row: Attestation) -> str:
        return code(row.previous) if row.previous else "–"

    @display(description="Root")
    def root_(self, row: Attestation) -> str:
        return code(row.root) if row.root else "–"

    @display(description="Ledger's head")
    def head(self, row: Attestation) -> str:
        return code(row.ledger_head)

    @display(description="Verifier")
    def software_(self, row: Attestation) -> str:
        return code(row.software)

    @display(description="Frozen (UTC)")
    def frozen(self, row: Attestation) -> str:
        return when(row.frozen_at)

    @display(description="Built (UTC)")
    def built(self, row: Attestation) -> str:
        return when(row.built_at)

    @display(description="Signed (UTC)")
    def signed(self, row: Attestation) -> str:
        return when(row.signed_at)

    @display(description="Published")
    def places_(self, row: Attestation) -> str:
        shown = ((place["channel"], place["place"]) for place in row.places)
        return format_html_join("", "<div>{}: {}</div>", shown) or "–"

    @display(description="Proofs open (UTC)", ordering="opened_at")
    def opened(self, row: Attestation) -> str:
        return when(row.opened_at)

    @display(description="Reports", ordering="complaints")
    def reports(self, row: Attestation) -> int:
        return row.complaints


@admin.register(ProofComplaint, site=site)
class ProofComplaintAdmin(ReadOnly):
    staff_actions = (Answer,)
    list_display = ("made", "who", "day", "step", "expected_", "answered")
    list_display_links = ("made",)
    list_filter = (("answered_at", admin.EmptyFieldListFilter), "step")
    ordering = ("-id",)
    sections_of_page = ((None, ("made", "who", "day", "step", "expected_", "said", "answered")),)

    def narrowed_to(self, person: Any) -> dict[str, str]:
        return {"person_id": person.pk}

    @display(description="Reported (UTC)", ordering="made_at")
    def made(self, row: ProofComplaint) -> str:
        return when(row.made_at)

    @display(description="Person")
    def who(self, row: ProofComplaint) -> str:
        return to("person", row.person_id, f"@{row.username}" if row.username else row.person_id)

    @display(description="About the day", ordering="on")
    def day(self, row: ProofComplaint) -> str:
        return when(row.on)

    @display(description="Balance they expected")
    def expected_(self, row: ProofComplaint) -> str:
        return money(row.expected) if row.expected is not None else "–"

    @display(description="In their words")
    def said(self, row: ProofComplaint) -> str:
        return plain(row.words)

    @display(description="Answered (UTC)", ordering="answered_at")
    def answered(self, row: ProofComplaint) -> str:
        return when(row.answered_at)
