"""OTP pumping: five thousand requests for codes that nobody types in, against the budgets as production has them."""

from typing import Any

import pytest
from django.conf import settings

from tests.conftest import Database
from users.services import codes

REQUESTS, PER_MINUTE = 5_000, 250
LONDON = "81.2.69.142"
# (numbers, number blocks, addresses) that the requests are spread over.
ATTACKS = {
    "one phone from everywhere": (1, 1, 5_000),
    "neighbouring numbers": (5_000, 5, 5_000),
    "one address": (5_000, 5_000, 1),
    "a botnet": (5_000, 5_000, 5_000),
}
# As users_challenge_create is called for each request; a thousand of them over HTTP would take the suite a minute.
ASK = """
    do $$ declare
        n int;
        budgets int[] := %s;
    begin
        for n in %s .. %s loop
            perform users_challenge_create('ch_' || md5(n || 'pump'), sha256(('p' || n %% %s)::bytea), '\\x00', '\\x00', '\\x00',
                sha256(('b' || n %% %s)::bytea), sha256(('a' || n %% %s)::bytea), 600, budgets);
            if n %% 50 = 0 then commit; end if;
        end loop;
    end $$
"""


@pytest.fixture
def as_in_production(settings: Any) -> None:
    settings.OTP_PER_PHONE_DAY, settings.OTP_PER_BLOCK_DAY, settings.OTP_PER_ADDRESS_HOUR = 10, 50, 20
    settings.OTP_PER_DAY, settings.OTP_UNUSED_MIN_SENT, settings.OTP_USED_PERCENT = 5_000, 100, 20
    settings.OTP_RESEND_SECONDS = 0


def pump(database: Database, spread: tuple[int, int, int], requests: int = REQUESTS, address: str = "") -> int:
    """Sends that came of so many requests, 250 a minute, none of whose codes is used."""
    database.as_superuser("truncate users_challenge cascade")
    raw = database.connect("web")
    try:
        for first in range(1, requests, PER_MINUTE):
            with raw.cursor() as cursor:
                cursor.execute(ASK, [codes._budgets(address), first, first + PER_MINUTE - 1, *spread])
            # A minute goes by, and what was asked for has been sent.
            database.as_superuser("update users_challenge set sms_state = 'sent', created_at = created_at - interval '61 s'")
    finally:
        raw.close()
    return int(database.as_superuser("select coalesce(sum(sends), 0) from users_challenge")[0][0])


@pytest.mark.parametrize("attack", ATTACKS)
def test_sends_stay_under_the_caps(database: Database, as_in_production: None, attack: str) -> None:
    numbers, blocks, addresses = ATTACKS[attack]
    most = min(
        numbers * settings.OTP_PER_PHONE_DAY, blocks * settings.OTP_PER_BLOCK_DAY, addresses * settings.OTP_PER_ADDRESS_HOUR,
        # Everybody's: once a hundred are out and too few were used, no more go out; a minute's may be on their way.
        settings.OTP_PER_DAY, settings.OTP_UNUSED_MIN_SENT + PER_MINUTE,
    )  # fmt: skip
    assert 0 < pump(database, ATTACKS[attack]) <= most


def test_from_abroad_there_is_only_a_part_of_it(database: Database, as_in_production: None) -> None:
    sent = pump(database, ATTACKS["a botnet"], 1_000, address=LONDON)
    assert 0 < sent <= settings.OTP_UNUSED_MIN_SENT * settings.OTP_PERCENT_ABROAD // 100 + PER_MINUTE
    assert codes._budgets(LONDON) == [10, 50, 5, 0, 1_250, 25, 20] != codes._budgets("8.8.8.8")


def test_without_budgets_all_of_them_would_be_sent(database: Database, as_in_production: None, settings: Any) -> None:
    """The control."""
    settings.OTP_PER_PHONE_DAY = settings.OTP_PER_BLOCK_DAY = settings.OTP_PER_ADDRESS_HOUR = settings.OTP_PER_DAY = 10**6
    settings.OTP_UNUSED_MIN_SENT = 10**6
    assert pump(database, ATTACKS["a botnet"], 500) == 500


def test_guessing_a_code_is_hopeless() -> None:
    """The chance of one right guess in a day: twenty tries over all challenges of a phone (tests/users/test_codes.py)."""
    chance = codes.TRIES_PER_PHONE_DAY / 10**6
    assert chance <= 2e-5
    assert 1 - (1 - chance) ** 365 < 0.01  # a whole year of it, against one phone
    assert codes.TRIES <= codes.TRIES_PER_PHONE_DAY
