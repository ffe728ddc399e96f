"""What a @username may be, and what nobody may call themselves.

The database holds a username's pattern, its uniqueness and that it never changes.
"""

import re
import unicodedata

from users.models import USERNAME_PATTERN

# Names that would lend somebody our voice, or that are, or may become, addresses of ours.
RESERVED = frozenset(
    """
    about abuse account accounts activity admin administrator api app apps audit auditor auth
    balance bank banking banks billing blog bot careers cash ceo chat code codes compliance contact
    core customer dev developer developers docs dwolla everyone faq feed finance fraud ftc fbi help
    helpdesk home host info irs job jobs ledger legal live load loads localhost login logout mail me
    mod moderator money new news nobody notifications null official operations operator ops owner
    pay paya payaapp payahelp payapal payasupport payateam payment payments paypal plaid police
    postmaster press privacy profile public redeem redemptions refund refunds request requests
    reserve rewards root safety sandbox search secure security settings signin signup staff static
    status stripe support sysadmin system team teller terms token tokens transfer transfers
    transparency treasury twilio undefined unknown user username users verified verify wallet
    wallets webhook webhooks welcome www you
    """.split()  # noqa: SIM905  (words, to be read as words)
)


# Who is called so would be taken for us, or for somebody who may ask for a code. Words that are people's names as well
# (Payal, Dev, Bill) are not among them.
_VOICES = frozenset(
    """
    admin administrator customercare customerservice customersupport frauddepartment frauddesk fraudteam help helpdesk
    moderator official operator security securityteam staff support supportteam sysadmin system technicalsupport verified
    """.split()  # noqa: SIM905  (words, to be read as words)
)
_OURS = re.compile("paya(?:app|bank|care|help|helpdesk|inc|official|pay|security|service|staff|team|.*support|.*admin)?")
# Letters of other scripts, and digits, that look like Latin ones. A 1 may stand for i or l, an upsilon for u or y.
_LOOKALIKES = str.maketrans("аеорсухіѕјтмкαορτικνɑᎪᏢγ0345$", "aeopcyxisjtmkaoptikvaapyoeass")
_DOUBTFUL = [str.maketrans("1υ", "iu"), str.maketrans("1υ", "ly")]


def normalise(text: str) -> str:
    """What was typed, as it is kept: without the @, in lower case."""
    return text.strip().removeprefix("@").lower()


def refusal(username: str) -> str | None:
    """Why nobody may have this (normalised) username, in a sentence; None when it is fine."""
    if not re.fullmatch(USERNAME_PATTERN.strip("^$"), username):
        return "Use 3 to 20 letters (a to z), digits or _."
    plain = username.replace("_", "")
    if username.startswith("closed_") or plain in RESERVED or poses_as_us(plain.rstrip("0123456789")) or poses_as_us(plain):
        return "This @username is reserved. Please choose another."
    return None


def poses_as_us(name: str) -> bool:
    """Whether a display name could be read as PaYa's own, or as its support's."""
    plain = "".join(c for c in unicodedata.normalize("NFKD", name) if not unicodedata.combining(c))
    return any(_poses(plain.casefold().translate(_LOOKALIKES).translate(doubt)) for doubt in _DOUBTFUL)


def _poses(text: str) -> bool:
    words = re.findall(r"[^\W_]+", text)
    whole = "".join(words)
    return "paya" in words or whole in _VOICES or bool(_OURS.fullmatch(whole))
