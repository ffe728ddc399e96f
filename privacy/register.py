"""Every table that has rows of people: what is in it and why, whether it is in the copy that a person gets, and what becomes of
each of its columns when the person is erased.

This list is the personal data map (docs/privacy.md shows it in words). tests/privacy/test_register.py compares it with the
database's catalogue: a table or a column that nobody has thought about fails there.
"""

from dataclasses import dataclass, field

# What becomes of a column at erasure.
EMPTIED = "emptied"  # set to nothing, or to a word that says nothing, by privacy_erase
REMOVED = "removed"  # its row is deleted by privacy_erase
KEY = "key"  # encrypted under the person's key, which is destroyed
TIMED = "timed"  # gone long before, by a job of its own
STAYS = "stays"  # tells nobody who it was once the rest is gone, or has to stay: `why_stays` says why


@dataclass(frozen=True)
class Table:
    """One table. `person` are the columns that say whose row it is; `shown` are the columns of the copy, SQL included, and `only`
    which of the person's rows are in it.

    `fates` maps columns ("a b c" for several) to what becomes of them; ids, numbers, times and flags need not be named.
    """

    name: str
    what: str
    person: tuple[str, ...] = ("user_id",)
    section: str = ""
    shown: str = ""
    only: str = "true"
    left_out: str = ""
    fates: dict[str, str] = field(default_factory=dict)
    why_stays: str = ""

    @property
    def fate_of(self) -> dict[str, str]:
        return {column: fate for columns, fate in self.fates.items() for column in columns.split()}


_IDS = "Codes and ids of ours: without the person's name and number they tell nothing."
_BOOKS = "Records of money: amounts, times and ids, without a name."
# Of what staff give as the reason of something that they do, the audit trail keeps a copy for good: the form says to name nobody in it.
_DECIDED = "That it was decided, when and by whom, which the law wants kept; staff's reason names nobody."

TABLES = [
    # ------------------------------------------------------------------------------------------------ who they are
    Table(
        "users_user", "The account: phone (encrypted), default visibility", ("id",), left_out="In the section profile, with the phone.",
        fates={"public_id kind password": STAYS, "phone_index phone_cipher default_visibility": EMPTIED, "email": STAYS},
        why_stays="The id that the ledger's accounts belong to; a person has no password and no e-mail address.",
    ),
    Table(
        "users_profile", "@username and name, which everybody sees", left_out="In the section profile.",
        fates={"username display_name": EMPTIED},
    ),
    Table(
        "users_acceptance", "Which version of the terms and the privacy notice they accepted, and when", section="accepted_terms",
        shown="document, version, digest as sha256, how, accepted_at", fates={"document version digest how": STAYS},
        why_stays="That somebody accepted a text, without who.",
    ),
    Table(
        "users_device", "Where they are or were logged in: what the device called itself, its network cut to /24 or /48", section="devices",
        shown="public_id as id, name, user_agent, network, created_at, last_seen_at, revoked_at",
        fates={"public_id": STAYS, "name user_agent network": EMPTIED}, why_stays=_IDS,
    ),
    Table(
        "users_refreshtoken", "Hashes of the tokens of apps", left_out="Hashes: they tell nothing, and the devices are there.",
        fates={"token_hash": REMOVED},
    ),
    Table(
        "core_datakey", "The person's data key, wrapped", left_out="Whoever had it could read the person's data.",
        fates={"master_id wrapped": REMOVED},
    ),
    Table(
        "core_idempotency", "Answers to requests, so that one that is sent twice happens once", left_out="The payments themselves are there.",
        fates={"key request answer": TIMED},
    ),
    # ------------------------------------------------------------------------------------------------ their money
    Table(
        "wallets_wallet", "Which accounts of the ledger are theirs; whether it is frozen, and why", section="wallet",
        shown="public_id as id, frozen, frozen_reason, pending_in, pending_out, created_at, closed_at",
        fates={"public_id": STAYS, "frozen_reason": EMPTIED}, why_stays=_IDS,
    ),
    Table(
        "payments_payment", "Payments: with whom, how much, the note, when, who may see it", ("payer_id", "payee_id"),
        left_out="In the section payments, with names.", fates={"public_id visibility status": STAYS, "note": EMPTIED},
        why_stays="Records of money. The note goes with whoever wrote it: the payer.",
    ),
    Table(
        "payments_feeditem", "What the feed shows of public payments", ("payer_id", "payee_id"), left_out="A copy of the payments.",
        fates={"payment": STAYS, "note": EMPTIED}, why_stays=_IDS,
    ),
    Table(
        "banking_bankaccount", "Linked bank accounts: the name and last digits that the bank gave", section="bank_accounts",
        shown="public_id as id, name, mask, kind, status, is_default, created_at",
        fates={
            "public_id kind status broken_by blocked_by": STAYS, "account_id name mask funding_source source_index numbers_index": EMPTIED,
        },
        why_stays="Codes. Of an account whose bank reported fraud the blind index of its numbers stays, so that it is not linked again.",
    ),
    Table(
        "banking_bankitem", "Their log-in at a bank, as Plaid calls it; its token is encrypted", section="banks",
        shown="public_id as id, institution, status, created_at",
        fates={"public_id status": STAYS, "token_index item_id access_token institution_id institution": EMPTIED}, why_stays=_IDS,
    ),
    Table(
        "banking_banksource", "Their bank accounts as each rail knows them (encrypted)", left_out="Ids at Dwolla and Stripe; the accounts are there.",
        fates={"public_id rail source source_index": REMOVED},
    ),
    Table(
        "banking_railcustomer", "The person as each rail knows them (encrypted)", left_out="Ids at Dwolla and Stripe.",
        fates={"rail customer": REMOVED},
    ),
    Table(
        "banking_bankidentity", "How well the bank's owner matched their name and phone: two scores", section="identity_checks",
        shown="outcome, asked_at, created_at", fates={"outcome": REMOVED},
    ),
    Table(
        "banking_identitycheck", "Whether a bank's owner is who they say: the name they gave (encrypted), and two scores", section="identity_questions",
        shown="public_id as id, status, name_score, phone_score, created_at, answered_at",
        fates={"public_id status outcome legal_name name_index": REMOVED},
    ),
    Table(
        "banking_itemwatch", "When a bank wants to be linked again", left_out="Our own reminders.",
    ),
    Table(
        "banking_linksession", "Visits to the page on which a bank is linked (encrypted)", left_out="Addresses that were good for minutes.",
        fates={"state link_token hosted_url repairs": REMOVED},
    ),
    Table(
        "banking_outagenotice", "Whom we tell when linking banks works again", left_out="Our own reminders.",
        fates={"provider state": STAYS}, why_stays=_IDS,
    ),
    Table(
        "banking_banktransfer", "Loads and redemptions", section="bank_transfers",
        shown="public_id as id, kind, amount, rail, status, expected_on, settled_at, failure_code, created_at",
        fates={"public_id kind rail status external_id failure_code cancel review": STAYS}, why_stays=_BOOKS,
    ),
    Table(
        "banking_transfermove", "The timelines of loads and redemptions", section="bank_transfer_timelines",
        shown="(select t.public_id from banking_banktransfer t where t.id = transfer_id) as bank_transfer, status, at, cause",
        fates={"status cause evidence": STAYS}, why_stays="Ids and codes of the rails.",
    ),
    Table(
        "banking_return", "Loads that a bank took back, with its code", section="bank_returns",
        shown="code, late, owed, restricts, created_at, lifted_at", fates={"code": STAYS}, why_stays=_BOOKS,
    ),
    Table(
        "banking_correction", "Money that was found for them, by two of our staff", section="corrections",
        shown="kind, amount, asked_at, approved, posted_at", fates={"kind refused of_break approved_digest": STAYS}, why_stays=_BOOKS,
    ),
    Table(
        "banking_nachaentry", "Lines of our own files to the bank; the account is encrypted", left_out="The bank transfers they belong to are there.",
        fates={
            "public_id purpose sec direction routing kind status trace return_code": STAYS, "account": KEY,
        },
        why_stays="What a bank was told, which the rules of ACH want kept: a routing number names a bank and nobody.",
    ),
    Table(
        "banking_nachareceiver", "Their bank accounts for our own files (encrypted)", left_out="The accounts are there.",
        fates={"public_id routing kind": STAYS, "account": KEY, "linked_index": STAYS},
        why_stays="A routing number names a bank and nobody; the index is of an id at Plaid that is gone.",
    ),
    Table("banking_nachareturn", "What banks sent back", left_out="The returns are there.", fates={"code": STAYS}, why_stays=_BOOKS),
    Table(
        "banking_nachachange", "Other numbers that a bank told us (encrypted)", left_out="They are in the accounts by now.",
        fates={"code": STAYS, "fields": STAYS}, why_stays="Which kinds of numbers changed, not the numbers.",
    ),
    Table(
        "banking_nachaorder", "Reversals that staff asked for", left_out="The transfers they belong to are there.",
        fates={"kind direction refused": STAYS}, why_stays=_BOOKS,
    ),
    Table(
        "rewards_reward", "Their share of a week, and how it came about", section="rewards",
        shown="(select r.week from rewards_run r where r.id = run_id) as week, amount, reason, payments, counted, settled_at, reversed_at",
        fates={"reason": STAYS}, why_stays=_BOOKS,
    ),
    Table("rewards_estimatedperson", "Whether the running week counts them", left_out="Worked out anew every few minutes.", fates={"week": STAYS}, why_stays=_IDS),
    Table(
        "rewards_ineligibility", "Weeks for which staff left them out", section="weeks_left_out", shown="since, until, created_at, lifted_at",
        fates={"reason": STAYS}, why_stays=_DECIDED,
    ),
    Table(
        "rewards_appeal", "What they asked about a week, and what we answered", section="reward_appeals",
        shown="public_id as id, week, message, created_at, answer, answered_at",
        fates={"public_id week": STAYS, "message answer": EMPTIED}, why_stays=_IDS,
    ),
    Table("transparency_enrolment", "A secret with which they check that their balance was counted (encrypted)", left_out="They made it themselves, and it is shown to them at /transparency/proof.", fates={"public_id who": STAYS, "nonce_cipher": KEY}, why_stays="A hash that nobody can follow back without the secret."),
    Table(
        "transparency_complaint", "What they reported about a proof", section="proof_reports", shown="epoch, step, expected, words, made_at, answered_at",
        fates={"step": STAYS, "words": EMPTIED}, why_stays=_IDS,
    ),
    # ------------------------------------------------------------------------------------------------ what is looked into
    Table(
        "compliance_case", "What staff looked into, where we told them that we do", section="reviews",
        # Of the others (flags, reviews that staff asked for, the sanctions list) somebody who knew could get around what protects
        # everybody, and of some the law forbids us to tell.
        only="kind in ('held_payment', 'held_transfer', 'document', 'dispute', 'withdrawal', 'closing')",
        shown="public_id as id, created_at, closed_at, case when status = 'closed' and outcome in ('no_action', 'restricted', 'released', 'denied', 'cancelled', 'refunded', 'cleared') then outcome end as outcome",
        fates={"public_id kind about detail status outcome label signals": STAYS, "summary result": EMPTIED},
        why_stays="What was decided and on what grounds, which the law wants kept: ids, codes and figures.",
    ),
    Table("compliance_casenote", "What staff noted on a case", left_out="Staff's own notes: who knew them could get around what protects everybody.", fates={"note": REMOVED}),
    Table("compliance_verdict", "What a case was closed with", left_out="Its outcome is in the section reviews.", fates={"kind outcome label signals": STAYS, "result": EMPTIED}, why_stays="Codes and figures, from which a model can be trained."),
    Table("compliance_flag", "What rules noticed", ("user_id", "other_id"), left_out="Rules by which we notice fraud: who knew them could get around them.", fates={"public_id rule bucket detail": STAYS}, why_stays="Counts, cents and numbers of ours."),
    Table("compliance_namecheck", "When their name was compared with the sanctions list", left_out="How we follow the law on sanctions."),
    Table("compliance_sanctionshit", "A name on the sanctions list that is like theirs", left_out="What we may have to report to an authority.", fates={"public_id listed name_key entry_key state reason": STAYS, "name": EMPTIED}, why_stays="The law wants ten years of records about sanctions; the name is the list's, theirs is a keyed hash, and staff's reason names nobody."),
    Table("compliance_hitlifting", "That such a likeness was confirmed by mistake", left_out="What we may have to report to an authority.", why_stays="Who of our staff said so and when, which belongs to the decision."),
    Table("compliance_standing", "Their tier, by which limits are higher", section="tier", shown="tier, since", fates={"reason": STAYS}, why_stays=_DECIDED),
    Table("compliance_tierchange", "Each change of their tier, and what caused it", section="tier_changes", shown="before, after, cause, at", fates={"cause evidence reason": STAYS}, why_stays="Scores, dates and ids; staff's reason names nobody."),
    Table("compliance_document", "Documents that they sent us to raise their limits; the pictures lie encrypted elsewhere and go after the decision", section="documents", shown="public_id as id, kind, media_type, pages, size, status, words, created_at, decided_at, removed_at", fates={"public_id kind media_type status digest_index": STAYS, "words": EMPTIED, "content_key": KEY}, why_stays="That a document was looked at, and what was decided; a blind index tells nothing without its key."),
    Table("compliance_assessment", "The score of a movement, line by line", ("user_id", "payee_id"), left_out="Rules by which we notice fraud: who knew them could get around them.", fates={"kind decision signals shadow": STAYS}, why_stays="Figures without a name."),
    Table("compliance_contact", "Whom they have paid before", ("user_id", "payee_id"), left_out="The payments are there.", why_stays=_IDS),
    Table(
        "compliance_letter", "Letters from us", section="letters", shown="public_id as id, kind, title, body, about, created_at, read_at",
        fates={"public_id kind title body about": REMOVED},
    ),
    Table("compliance_freeze", "Why and from when to when we stopped their sending or receiving", section="freezes", shown="public_id as id, level, reason, at, ended_at", fates={"public_id kind": STAYS, "reason": EMPTIED}, why_stays=_DECIDED),
    Table("compliance_personnote", "What staff noted about them", left_out="Staff's own notes: who knew them could get around what protects everybody.", fates={"note": REMOVED}),
    Table("compliance_withdrawal", "Money that they asked for out of a frozen account", section="withdrawals", shown="public_id as id, amount, status, transfer, told, asked_at, decided_at, ended_at", fates={"public_id bank_account status transfer": STAYS, "told": EMPTIED}, why_stays=_BOOKS),
    Table("compliance_ticket", "What they asked our support", section="tickets", shown="public_id as id, subject, about, status, created_at", fates={"public_id about status": STAYS, "subject": EMPTIED}, why_stays=_IDS),
    Table("compliance_ticketmessage", "What was written about it, from both sides", section="ticket_messages", shown="(select t.public_id from compliance_ticket t where t.id = ticket_id) as ticket, body, at, staff_id is not null as from_us", fates={"body": EMPTIED}),
    Table("compliance_appeal", "What they objected to, and our answer", section="appeals", shown="public_id as id, against, about, message, status, created_at, outcome, answer, answered_at", fates={"public_id against about status outcome": STAYS, "message answer": EMPTIED}, why_stays=_IDS),
    Table("compliance_dispute", "Payments and transfers that they disputed", section="disputes", shown="public_id as id, about, kind, amount, message, status, reported_at, credited, outcome, result, decided_at, closed_at", fates={"public_id about kind case status outcome": STAYS, "message result": EMPTIED}, why_stays="That something was reported, and what came of it, which the law wants kept."),
    Table("compliance_disputemoney", "Money that was credited while a dispute was looked into", left_out="It is in the activity and in the disputes.", fates={"purpose": STAYS}, why_stays=_BOOKS),
    # ------------------------------------------------------------------------------------------------ their rights
    Table(
        "privacy_export", "Copies like this one", section="copies", shown="public_id as id, status, asked_at, ready_at, expires_at, size",
        fates={"public_id status content_key": REMOVED},
    ),
    Table(
        "privacy_closing", "That they close the account", section="closing", shown="public_id as id, state, asked_at, cancelled_at, closed_at",
        fates={"public_id state waits_for": STAYS, "frozen_reason": EMPTIED}, why_stays=_IDS,
    ),
    Table("privacy_legalhold", "That a court or an authority may still ask for their data", left_out="The law may forbid to tell.", fates={"reason": STAYS}, why_stays="It is lifted before anybody is erased; staff's reason names nobody."),
]

# Rows of staff, not of people who use PaYa; they leave with their employment (docs/privacy.md).
OF_STAFF = {
    "console_authenticator", "console_actionrecord", "console_invitation", "console_staffrole", "console_securitykey", "django_admin_log",
    "users_user_groups", "users_user_user_permissions", "payments_staffview",
}  # fmt: skip
# Tables without a person's column that hold something of people all the same, and why nothing happens to them at erasure.
ELSEWHERE = {
    "users_challenge": "One-time codes and their phones (encrypted): deleted after two days, and by privacy_erase.",
    "users_formername": "Blind indexes of the @usernames of erased people, so that none is given again.",
    "banking_inboxevent": "What vendors sent: ids of theirs; emptied after the period `inbox`.",
    "banking_nachafile": "Our files to the bank, encrypted under a system key: kept six years, as the rules of ACH want.",
    "banking_nachaincoming": "The bank's files, in the same way.",
    "core_outbox": "Ids only; published rows go after the period `outbox`.",
    "django_session": "Page sessions, which name a device: gone when they have expired.",
}


def by_name() -> dict[str, Table]:
    return {table.name: table for table in TABLES}
