"""Whether a rail still serves a person. One that does not is asked for nothing on their behalf until it does again."""

import logging

from banking import rails
from banking.models import RailCustomer
from banking.rails.port import KnowsPeople
from banking.services import accounts
from banking.services import secrets as sealed
from core.actor import SYSTEM, actor

log = logging.getLogger("paya.banking")


def check(*, rail: str, customer: str) -> bool:
    """Ask a rail about one of its customers, and about their banks there; False when it is nobody of ours.

    Raises ProviderDown, ProviderRejected.
    """
    port = rails.rail(rail)
    if not isinstance(port, KnowsPeople):
        return False
    shown = port.customer(customer=customer)
    with actor(SYSTEM):
        row = RailCustomer.objects.select_related("user").filter(rail=rail, user__public_id=shown.public_id).first()
        # The rail says who it is; our own record has to agree.
        if row is None or sealed.customer_id(row) != customer:
            return False
        changed = RailCustomer.objects.filter(pk=row.pk, stopped=shown.served).update(stopped=not shown.served)
    if changed and not shown.served:
        log.error("rail_stopped_a_person", extra={"rail": rail, "user": row.user_id})
    for source in accounts.sources_at(rail=rail, user_id=row.user_id):
        accounts.check_bank(rail=rail, source=source)
    return True
