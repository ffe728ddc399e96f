"""What return and change codes mean, and what PaYa does about them.

Sources: N = Nacha Operating Rules, appendix four (returns) and five (notifications of change), as published with the
rules' own summaries; P = PaYa's choice, which follows what Dwolla does where it says so (RAILS, sections 1 and 5).
Titles and time frames are N throughout; effects are P unless a note says otherwise.
"""

from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum

from core.calendar import add_business_days


class Kind(StrEnum):
    """Who says it, to whom."""

    RETURN = "return"  # the receiving bank to the originating one
    DISHONORED = "dishonored"  # the originating bank refuses a return
    CONTESTED = "contested"  # the receiving bank insists


class Frame(StrEnum):
    """How long the bank may take, from the settlement of what it answers to."""

    TWO_BANKING_DAYS = "2 banking days"
    SIXTY_DAYS = "60 calendar days"
    FIVE_BANKING_DAYS = "5 banking days"
    NEXT_FILE = "next file"  # the operator's own refusals
    AGREED = "as agreed"

    def deadline(self, settled: date) -> date | None:
        """The last day; None where the rules name none."""
        if self is Frame.SIXTY_DAYS:
            return settled + timedelta(days=60)
        days = {Frame.TWO_BANKING_DAYS: 2, Frame.FIVE_BANKING_DAYS: 5, Frame.NEXT_FILE: 1}.get(self)
        return add_business_days(settled, days) if days else None


class Transfer(StrEnum):
    UNDO = "undo"  # not settled: failed; a settled load: clawed back; a redemption: tokens back to the wallet
    REVIEW = "review"  # nothing moves until staff have looked


class Bank(StrEnum):
    """What happens to the linked bank account."""

    KEEP = "keep"
    RELINK = "re-link"  # unusable until the person links it again
    REMOVE = "remove"


class Person(StrEnum):
    NOTHING = "nothing"
    RESTRICT = "restrict"  # no loads and redemptions until staff have looked


class Rate(StrEnum):
    """Which of Nacha's return rates it counts into, over 60 days: 0.5 %, 3 %, and 15 % for all together."""

    UNAUTHORISED = "unauthorised"
    ADMINISTRATIVE = "administrative"
    OTHER = "other"
    NONE = "none"  # is no return of a debit


@dataclass(frozen=True, slots=True)
class ReturnCode:
    code: str
    title: str
    kind: Kind
    frame: Frame
    transfer: Transfer
    bank: Bank
    person: Person
    represent: bool  # the same entry may be sent again: at most twice within 180 days, described RETRY PYMT
    rate: Rate
    source: str


@dataclass(frozen=True, slots=True)
class ChangeCode:
    """`fields` are those of the entry that the corrected data replaces."""

    code: str
    title: str
    fields: tuple[str, ...]
    refused: bool = False  # C61-C69: our bank refuses the bank's notification


_TWO, _SIXTY, _FIVE, _NEXT, _AGREED = (
    Frame.TWO_BANKING_DAYS, Frame.SIXTY_DAYS, Frame.FIVE_BANKING_DAYS, Frame.NEXT_FILE, Frame.AGREED,
)  # fmt: skip
_KEEP, _RELINK, _REMOVE = Bank.KEEP, Bank.RELINK, Bank.REMOVE
_OK, _RESTRICT = Person.NOTHING, Person.RESTRICT
_UNAUTHORISED, _ADMINISTRATIVE, _OTHER = Rate.UNAUTHORISED, Rate.ADMINISTRATIVE, Rate.OTHER
_N, _NP, _ND = "N", "N; effects P", "N; effects P after Dwolla"

# Code, title, time frame, bank account, person, rate, source. All are returns that undo the transfer.
_RETURNS: list[tuple[str, str, Frame, Bank, Person, Rate, str]] = [
    ("R01", "Insufficient funds", _TWO, _KEEP, _OK, _OTHER, _ND),
    ("R02", "Account closed", _TWO, _REMOVE, _OK, _ADMINISTRATIVE, _ND),
    ("R03", "No account or unable to locate account", _TWO, _RELINK, _OK, _ADMINISTRATIVE, _ND),
    ("R04", "Invalid account number", _TWO, _RELINK, _OK, _ADMINISTRATIVE, _ND),
    ("R05", "Unauthorised debit to a consumer account under a corporate code", _SIXTY, _REMOVE, _RESTRICT, _UNAUTHORISED, _ND),
    ("R06", "Returned at the request of the ODFI", _AGREED, _KEEP, _RESTRICT, _OTHER, _ND),
    ("R07", "Authorisation revoked by customer", _SIXTY, _REMOVE, _RESTRICT, _UNAUTHORISED, _ND),
    ("R08", "Payment stopped", _TWO, _REMOVE, _OK, _OTHER, _ND),
    ("R09", "Uncollected funds", _TWO, _KEEP, _OK, _OTHER, _ND),
    ("R10", "Customer advises originator is not known or not authorised", _SIXTY, _REMOVE, _RESTRICT, _UNAUTHORISED, _ND),
    ("R11", "Customer advises entry not in accordance with the authorisation", _SIXTY, _REMOVE, _RESTRICT, _UNAUTHORISED,
     "N; a corrected entry may follow within 60 days; effects P after Dwolla"),
    ("R12", "Branch sold to another financial institution", _TWO, _RELINK, _OK, _OTHER, _ND),
    ("R13", "RDFI not qualified to participate, or routing number invalid", _NEXT, _RELINK, _OK, _OTHER, _NP),
    ("R14", "Representative payee deceased or unable to continue", _TWO, _REMOVE, _RESTRICT, _OTHER, _ND),
    ("R15", "Beneficiary or account holder deceased", _TWO, _REMOVE, _RESTRICT, _OTHER, _ND),
    ("R16", "Account frozen, or returned on an instruction of OFAC", _TWO, _REMOVE, _RESTRICT, _OTHER, _ND),
    ("R17", "File record edit criteria, or initiated under questionable circumstances", _TWO, _REMOVE, _RESTRICT, _OTHER, _ND),
    ("R18", "Improper effective entry date", _NEXT, _KEEP, _OK, _OTHER, _NP),
    ("R19", "Amount field error", _NEXT, _KEEP, _OK, _OTHER, _NP),
    ("R20", "Non-transaction account", _TWO, _REMOVE, _OK, _OTHER, _ND),
    ("R21", "Invalid company identification", _TWO, _KEEP, _OK, _OTHER, _NP),
    ("R22", "Invalid individual identification number", _TWO, _KEEP, _OK, _OTHER, _NP),
    ("R23", "Credit entry refused by receiver", _TWO, _REMOVE, _OK, _OTHER, _ND),
    ("R24", "Duplicate entry", _TWO, _KEEP, _OK, _OTHER, _NP),
    ("R25", "Addenda error", _NEXT, _KEEP, _OK, _OTHER, _NP),
    ("R26", "Mandatory field error", _NEXT, _KEEP, _OK, _OTHER, _NP),
    ("R27", "Trace number error", _NEXT, _KEEP, _OK, _OTHER, _NP),
    ("R28", "Routing number check digit error", _NEXT, _RELINK, _OK, _OTHER, _NP),
    ("R29", "Corporate customer advises not authorised", _TWO, _REMOVE, _RESTRICT, _UNAUTHORISED, _ND),
    ("R30", "RDFI not participant in check truncation programme", _NEXT, _KEEP, _OK, _OTHER, _NP),
    ("R31", "Permissible return entry (CCD and CTX only)", _AGREED, _KEEP, _RESTRICT, _OTHER, _ND),
    ("R32", "RDFI non-settlement", _NEXT, _KEEP, _OK, _OTHER, _NP),
    ("R33", "Return of XCK entry", _SIXTY, _KEEP, _OK, _OTHER, _NP),
    ("R34", "Limited participation of the RDFI", _NEXT, _RELINK, _OK, _OTHER, _NP),
    ("R35", "Return of improper debit entry", _NEXT, _KEEP, _OK, _OTHER, _NP),
    ("R36", "Return of improper credit entry", _NEXT, _KEEP, _OK, _OTHER, _NP),
    ("R37", "Source document presented for payment", _SIXTY, _REMOVE, _OK, _OTHER, _ND),
    ("R38", "Stop payment on source document", _SIXTY, _REMOVE, _RESTRICT, _OTHER, _ND),
    ("R39", "Improper source document, or presented for payment", _TWO, _KEEP, _OK, _OTHER, _NP),
    ("R40", "Return of enrolment entry by a federal agency", _AGREED, _KEEP, _OK, _OTHER, _NP),
    ("R41", "Invalid transaction code (ENR only)", _AGREED, _KEEP, _OK, _OTHER, _NP),
    ("R42", "Routing number or check digit error (ENR only)", _AGREED, _RELINK, _OK, _OTHER, _NP),
    ("R43", "Invalid account number (ENR only)", _AGREED, _RELINK, _OK, _OTHER, _NP),
    ("R44", "Invalid individual identification number (ENR only)", _AGREED, _KEEP, _OK, _OTHER, _NP),
    ("R45", "Invalid individual or company name (ENR only)", _AGREED, _KEEP, _OK, _OTHER, _NP),
    ("R46", "Invalid representative payee indicator (ENR only)", _AGREED, _KEEP, _OK, _OTHER, _NP),
    ("R47", "Duplicate enrolment (ENR only)", _AGREED, _KEEP, _OK, _OTHER, _NP),
    ("R50", "State law affecting RCK acceptance", _TWO, _KEEP, _OK, _OTHER, _NP),
    ("R51", "Item related to RCK entry is ineligible, or entry is improper", _SIXTY, _REMOVE, _RESTRICT, _UNAUTHORISED, _ND),
    ("R52", "Stop payment on item related to RCK entry", _SIXTY, _KEEP, _OK, _OTHER, _NP),
    ("R53", "Item and RCK entry presented for payment", _SIXTY, _KEEP, _OK, _OTHER, _NP),
    ("R80", "IAT entry coding error", _AGREED, _KEEP, _OK, _OTHER, _NP),
    ("R81", "Non-participant in the IAT programme", _AGREED, _KEEP, _OK, _OTHER, _NP),
    ("R82", "Invalid foreign receiving institution", _AGREED, _KEEP, _OK, _OTHER, _NP),
    ("R83", "Foreign receiving institution unable to settle", _AGREED, _KEEP, _OK, _OTHER, _NP),
    ("R84", "Entry not processed by the gateway", _AGREED, _KEEP, _OK, _OTHER, _NP),
    ("R85", "Incorrectly coded outbound international payment", _AGREED, _KEEP, _RESTRICT, _OTHER, _NP),
]  # fmt: skip
_DISPUTES: list[tuple[str, str, Kind, Frame]] = [
    ("R61", "Misrouted return", Kind.DISHONORED, _FIVE),
    ("R62", "Return of erroneous or reversing debit", Kind.DISHONORED, _FIVE),
    ("R67", "Duplicate return", Kind.DISHONORED, _FIVE),
    ("R68", "Untimely return", Kind.DISHONORED, _FIVE),
    ("R69", "Field errors", Kind.DISHONORED, _FIVE),
    ("R70", "Permissible return entry not accepted, or return not requested by ODFI", Kind.DISHONORED, _FIVE),
    ("R71", "Misrouted dishonored return", Kind.CONTESTED, _TWO),
    ("R72", "Untimely dishonored return", Kind.CONTESTED, _TWO),
    ("R73", "Timely original return", Kind.CONTESTED, _TWO),
    ("R74", "Corrected return", Kind.CONTESTED, _TWO),
    ("R75", "Return not a duplicate", Kind.CONTESTED, _TWO),
    ("R76", "No errors found", Kind.CONTESTED, _TWO),
    ("R77", "Non-acceptance of R62 dishonored return", Kind.CONTESTED, _TWO),
]
_REPRESENTABLE = frozenset({"R01", "R09"})  # [G] in RAILS: no other reason goes away by itself

RETURNS: dict[str, ReturnCode] = {
    code: ReturnCode(code, title, Kind.RETURN, frame, Transfer.UNDO, bank, person, code in _REPRESENTABLE, rate, source)
    for code, title, frame, bank, person, rate, source in _RETURNS
} | {
    code: ReturnCode(code, title, kind, frame, Transfer.REVIEW, _KEEP, _OK, False, Rate.NONE, _NP)
    for code, title, kind, frame in _DISPUTES
}

_ROUTING, _ACCOUNT, _CODE = "routing", "account", "transaction_code"
CHANGES: dict[str, ChangeCode] = {
    code: ChangeCode(code, title, fields, refused=code > "C60")
    for code, title, fields in (
        ("C01", "Incorrect account number", (_ACCOUNT,)),
        ("C02", "Incorrect routing number", (_ROUTING,)),
        ("C03", "Incorrect routing number and account number", (_ROUTING, _ACCOUNT)),
        ("C04", "Incorrect individual or receiving company name", ("name",)),
        ("C05", "Incorrect transaction code", (_CODE,)),
        ("C06", "Incorrect account number and transaction code", (_ACCOUNT, _CODE)),
        ("C07", "Incorrect routing number, account number and transaction code", (_ROUTING, _ACCOUNT, _CODE)),
        ("C08", "Incorrect identification of the foreign receiving institution (IAT only)", ("foreign_institution",)),
        ("C09", "Incorrect individual identification number", ("id",)),
        ("C10", "Incorrect company name", ("company_name",)),
        ("C11", "Incorrect company identification", ("company_id",)),
        ("C12", "Incorrect company name and company identification", ("company_name", "company_id")),
        ("C13", "Addenda format error", ()),
        ("C14", "Incorrect SEC code for an outbound international payment", ()),
        ("C61", "Misrouted notification of change", ()),
        ("C62", "Incorrect trace number", ()),
        ("C63", "Incorrect company identification number", ()),
        ("C64", "Incorrect individual identification number", ()),
        ("C65", "Incorrectly formatted corrected data", ()),
        ("C66", "Incorrect discretionary data", ()),
        ("C67", "Routing number not from original entry", ()),
        ("C68", "Account number not from original entry", ()),
        ("C69", "Incorrect transaction code", ()),
    )
}
