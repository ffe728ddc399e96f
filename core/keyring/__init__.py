"""Field encryption: AES-256-GCM under a data key per person, or per class of system data, wrapped by a master key.

`cipher` is the format of a value, `masters` what wraps data keys (a key file, or KMS), `datakeys` the data keys and
the four calls that everybody uses, `columns` the list of all encrypted columns, `rotation` how keys are replaced
while people use them, `blind` how a phone is found without being readable.
"""

from core.keyring.blind import blind_index, phone_index
from core.keyring.cipher import DecryptionFailed
from core.keyring.columns import Column, register
from core.keyring.datakeys import (
    create_person_key,
    decrypt_for,
    decrypt_system,
    destroy_person_keys,
    encrypt_for,
    encrypt_system,
    ensure_person_key,
    forget_cached_keys,
)
from core.keyring.masters import KeyFile, Kms, MasterKey, master_key

__all__ = [
    "Column",
    "DecryptionFailed",
    "KeyFile",
    "Kms",
    "MasterKey",
    "blind_index",
    "create_person_key",
    "decrypt_for",
    "decrypt_system",
    "destroy_person_keys",
    "encrypt_for",
    "encrypt_system",
    "ensure_person_key",
    "forget_cached_keys",
    "master_key",
    "phone_index",
    "register",
]
