"""Over the sandbox's bank of the files: its BAI2 statements, as they come in, agree with our entries to the cent."""

from collections.abc import Callable
from typing import Any

from banking.reconciliation import services
from tests.banking.odfi import Odfi
from tests.conftest import Database


def test_loads_redemptions_and_returns_by_files_are_clean(
    odfi: Odfi,
    linked: Callable[..., Any],
    database: Database,
) -> None:
    person, without = linked(), linked(name="R03")
    load, refused = person.submit(person.load(50_00)), without.submit(without.load(30_00))
    odfi.ship()
    odfi.days(4)
    assert person.fresh(load).status == "settled"
    assert without.fresh(refused).status == "failed"
    redemption = person.submit(person.redeem(20_00))
    odfi.ship()
    odfi.days(2)
    assert person.fresh(redemption).status == "settled"
    with database.role("worker"):
        row = services.reconcile(custodian="odfi")
    kinds = database.as_superuser("select kind, facts from banking_break where state = 'open'")
    assert (row.result, row.ours, kinds) == ("clean", 30_00, [])
    assert database.as_superuser("select count(*) from banking_statementline where kind = 'return'") >= [(1,)]
