"""One encrypted value: it opens under its own key, in its own table, column and row, unaltered, and nowhere else."""

import os

import pytest
from django.db import transaction

from core import keyring
from core.actor import actor
from core.keyring import DecryptionFailed, cipher

KEY, FIELD, ROW, TEXT = os.urandom(32), "banking_bankaccount.funding_source", "ba_1", "source-käse-1"


def test_it_opens_where_it_belongs_and_says_nothing_otherwise():
    blob = cipher.seal(7, KEY, FIELD, ROW, TEXT)
    assert cipher.unseal(KEY, FIELD, ROW, blob) == TEXT
    assert cipher.key_id(blob) == 7
    assert TEXT.encode() not in blob
    assert cipher.seal(7, KEY, FIELD, ROW, TEXT) != blob, "the same text twice is not to be seen as the same"


@pytest.mark.parametrize(
    ("key", "field", "row"),
    [
        (os.urandom(32), FIELD, ROW),
        (KEY, FIELD, "ba_2"),
        (KEY, "banking_bankaccount.name", ROW),
        (KEY, "banking_bankitem.funding_source", ROW),
        (KEY, "", ""),
    ],
    ids=["another key", "another row", "another column", "another table", "nowhere"],
)
def test_a_value_that_was_moved_does_not_open(key: bytes, field: str, row: str):
    blob = cipher.seal(7, KEY, FIELD, ROW, TEXT)
    with pytest.raises(DecryptionFailed):
        cipher.unseal(key, field, row, blob)


def test_a_value_that_was_altered_or_cut_does_not_open():
    blob = cipher.seal(7, KEY, FIELD, ROW, TEXT)
    for place in range(cipher.HEADER_SIZE, len(blob)):
        with pytest.raises(DecryptionFailed):
            cipher.unseal(KEY, FIELD, ROW, blob[:place] + bytes([blob[place] ^ 1]) + blob[place + 1 :])
    for length in range(len(blob)):
        with pytest.raises(DecryptionFailed):
            cipher.unseal(KEY, FIELD, ROW, blob[:length])


def test_two_values_of_one_person_do_not_change_places(database, make_person):
    """Both are under the same key, so it is their place alone that keeps them apart."""
    ann = make_person("ann")
    with actor(ann.id):
        first, second = (keyring.encrypt_for(ann.id, FIELD, row, f"source of {row}") for row in ("ba_1", "ba_2"))
        assert cipher.key_id(first) == cipher.key_id(second)
        assert keyring.decrypt_for(ann.id, FIELD, "ba_1", first) == "source of ba_1"
        for row, blob in (("ba_2", first), ("ba_1", second)):
            with pytest.raises(DecryptionFailed):
                keyring.decrypt_for(ann.id, FIELD, row, blob)
        with pytest.raises(DecryptionFailed):
            keyring.decrypt_for(ann.id, "users_user.phone_cipher", "ba_1", first)


def test_two_values_of_the_system_do_not_change_places(database):
    with transaction.atomic():
        blob = keyring.encrypt_system("otp", "users_challenge.code_cipher", "otp_1", "123456")
    assert keyring.decrypt_system("otp", "users_challenge.code_cipher", "otp_1", blob) == "123456"
    for field, row in (("users_challenge.code_cipher", "otp_2"), ("users_challenge.phone_cipher", "otp_1")):
        with pytest.raises(DecryptionFailed):
            keyring.decrypt_system("otp", field, row, blob)


def test_another_persons_value_does_not_open(database, make_person):
    ann, bob = make_person("ann"), make_person("bob")
    with actor(ann.id):
        blob = keyring.encrypt_for(ann.id, FIELD, ROW, TEXT)
    with pytest.raises(DecryptionFailed), actor(bob.id):
        keyring.decrypt_for(bob.id, FIELD, ROW, blob)
