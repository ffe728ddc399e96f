from core.errors import Conflict, NotFound, ServiceUnavailable


class NotAttested(NotFound):
    code, title = "not_attested", "No attestation of this day"
    detail = "This day has no attestation. A day that was missed stays a gap: nothing is made up for it afterwards."


class NotInTree(NotFound):
    code, title = "not_in_tree", "You had no account then"
    detail = "Your account was opened after this day's cut, so it is not in this day's total."


class AlreadyAttested(Conflict):
    code, title = "already_attested", "This day has its attestation"
    detail = "One day, one text: it is never issued again. What it says wrong is corrected by the next day's."


class BegunWithout(Conflict):
    code, title = "begun_without_correction", "Today is frozen already"
    detail = "Today was begun without this correction. Finish it by attesting without one; tomorrow can name the day."


class NothingToAttest(Conflict):
    code, title = "no_statement", "No bank statement yet"
    detail = "No custodian has said yet what it holds: run a reconciliation first."


class BooksDisagree(Conflict):
    """The tree's total is not what the ledger says is owed. Nothing is signed."""

    code, title = "books_disagree", "The books do not agree"


class SelfCheckFailed(Conflict):
    """What was built does not hold before our own verifier. Nothing is signed."""

    code, title = "self_check_failed", "The proofs do not hold"


class ProofNotReady(ServiceUnavailable):
    code, title = "proof_not_ready", "This day's proof is being prepared"
    detail = "Proofs of days long past are made again when somebody asks. Please try again in a few seconds."


class AlreadyComplained(Conflict):
    code, title = "already_reported", "You have reported this day"
    detail = "Your report about this day is with us already. Nothing more is needed."


class ChannelFailed(Exception):
    """A place of publication did not take a text, or cannot be asked. Tried again."""


class PublishedOtherwise(Exception):
    """A place of publication has another text under this name. Never overwritten; somebody has to look."""
