"""What wraps data keys: the key file and KMS, and what each does when it is wrong, gone or moved."""

import json
import os
import stat

import pytest

from core import keyring, resilience
from core.errors import ServiceUnavailable
from core.keyring import DecryptionFailed, KeyFile, Kms, master_key
from tests.keys.conftest import new_kms_key, point_alias

DATA_KEY = os.urandom(32)


def test_a_key_file_opens_what_it_wrapped_for_the_same_owner_only(key_file):
    master = KeyFile(str(key_file))
    master_id, wrapped = master.wrap(DATA_KEY, "person:1")
    assert DATA_KEY not in wrapped
    assert master.unwrap(master_id, wrapped, "person:1") == DATA_KEY
    with pytest.raises(DecryptionFailed):
        master.unwrap(master_id, wrapped, "person:2")
    with pytest.raises(DecryptionFailed):
        master.unwrap("k99", wrapped, "person:1")


def test_a_new_master_key_in_the_file_counts_at_once_and_the_old_one_still_opens(key_file):
    master = KeyFile(str(key_file))
    old_id, wrapped = master.wrap(DATA_KEY, "person:1")
    new_id = master.add()
    assert new_id != old_id
    assert master.active() == new_id == master.wrap(DATA_KEY, "person:1")[0]
    assert master.unwrap(old_id, wrapped, "person:1") == DATA_KEY
    assert stat.S_IMODE(key_file.stat().st_mode) == 0o600
    assert set(json.loads(key_file.read_text())["keys"]) == {old_id, new_id}


def test_kms_wraps_and_opens_for_the_same_owner_only(kms):
    master = Kms("alias/paya")
    master_id, wrapped = master.wrap(DATA_KEY, "person:1")
    assert master_id.startswith("arn:aws:kms:") and master_id == master.active()
    assert DATA_KEY not in wrapped
    assert master.unwrap(master_id, wrapped, "person:1") == DATA_KEY
    with pytest.raises(DecryptionFailed):
        master.unwrap(master_id, wrapped, "person:2")
    with pytest.raises(DecryptionFailed):
        master.unwrap(master_id, wrapped[:-1] + bytes([wrapped[-1] ^ 1]), "person:1")


def test_what_the_file_wrapped_opens_beside_kms_and_what_an_older_kms_key_wrapped_too(kms, settings, key_file):
    settings.KMS_KEY = ""
    by_file = master_key().wrap(DATA_KEY, "person:1")
    settings.KMS_KEY = "alias/paya"
    by_kms = master_key().wrap(DATA_KEY, "person:1")
    point_alias(kms, new_kms_key(kms))
    newer = master_key().wrap(DATA_KEY, "person:1")
    assert len({by_file[0], by_kms[0], newer[0]}) == 3
    for master_id, wrapped in (by_file, by_kms, newer):
        assert master_key().unwrap(master_id, wrapped, "person:1") == DATA_KEY


def test_kms_that_is_not_there_is_said_to_be_unavailable(kms, settings):
    master_id, wrapped = master_key().wrap(DATA_KEY, "person:1")
    settings.KMS_ENDPOINT = "http://127.0.0.1:9"
    resilience.forget_failures()
    with pytest.raises(ServiceUnavailable):
        master_key().wrap(DATA_KEY, "person:1")
    with pytest.raises(ServiceUnavailable):
        master_key().unwrap(master_id, wrapped, "person:1")


def test_people_sign_up_and_are_read_with_kms(kms, database, make_person, api):
    from users.queries import phone_hint

    ann = make_person("ann")
    assert phone_hint(user_id=ann.id) == f"•••• {ann.phone[-4:]}"
    keyring.forget_cached_keys()
    assert phone_hint(user_id=ann.id) == f"•••• {ann.phone[-4:]}"
    assert api.get("/v1/me", person=ann).status_code == 200
    masters = database.as_superuser("select distinct master_id from core_datakey")
    assert [master_id[:12] for (master_id,) in masters] == ["arn:aws:kms:"]


def test_a_sign_up_while_kms_is_down_leaves_nobody_behind(kms, settings, database, api):
    from users import services

    settings.KMS_ENDPOINT = "http://127.0.0.1:9"
    with pytest.raises(ServiceUnavailable):
        services.sign_up(phone="+12125550188")
    assert database.as_superuser("select count(*) from users_user") == [(0,)]
    resilience.forget_failures()
    settings.KMS_ENDPOINT = kms.url
    assert services.sign_up(phone="+12125550188").id
