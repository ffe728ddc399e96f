"""What is agreed with our bank, from the settings, in one place."""

from datetime import time, timedelta

from django.conf import settings

from banking.nacha.model import Originator
from banking.nacha.optimise import Cutoffs, Fees

LOAD, REDEMPTION, RETRY = "LOAD", "REDEEM", "RETRY PYMT"  # on the receiver's statement; the bank agrees to them


def originator() -> Originator:
    return Originator(
        destination=settings.ODFI_DESTINATION,
        destination_name=settings.ODFI_DESTINATION_NAME,
        origin=settings.ODFI_ORIGIN,
        origin_name=settings.ODFI_ORIGIN_NAME,
        company_name=settings.ODFI_COMPANY_NAME,
        company_id=settings.ODFI_COMPANY_ID,
        odfi=settings.ODFI_ROUTING,
    )


def fees() -> Fees:
    return Fees(settings.ODFI_FEE_FILE, settings.ODFI_FEE_BATCH, settings.ODFI_FEE_ENTRY, settings.ODFI_FEE_SAME_DAY)


def cutoffs() -> Cutoffs:
    return Cutoffs(time.fromisoformat(settings.ODFI_CUTOFF), timedelta(minutes=settings.ODFI_SAME_DAY_EARLIER_MINUTES))
