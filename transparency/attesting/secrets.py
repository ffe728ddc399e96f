"""What this room seals: a day's key, the keys that sign, and the secrets that people made for their leaves."""

import secrets

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand

from core import keyring

_DAY = "transparency_daysecret.key"
_SIGNER = "transparency_signingkey.private"
_NONCE = "transparency_enrolment.nonce"
DAYS, SIGNERS = "attested days", "attestation keys"

keyring.register(
    keyring.Column("transparency_daysecret", "key_cipher", _DAY, public_id="epoch", system=DAYS),
    keyring.Column("transparency_signingkey", "private_cipher", _SIGNER, public_id="encode(public, 'hex')", system=SIGNERS),
    keyring.Column("transparency_enrolment", "nonce_cipher", _NONCE),
)


def new_day_key() -> bytes:
    return secrets.token_bytes(32)


def seal_day_key(epoch: int, key: bytes) -> bytes:
    """Belongs into the transaction that stores it."""
    return keyring.encrypt_system(DAYS, _DAY, str(epoch), key.hex())


def open_day_key(epoch: int, cipher: bytes | memoryview) -> bytes:
    return bytes.fromhex(keyring.decrypt_system(DAYS, _DAY, str(epoch), cipher))


def seal_signer(key: Ed25519PrivateKey) -> bytes:
    public = key.public_key().public_bytes_raw()
    return keyring.encrypt_system(SIGNERS, _SIGNER, public.hex(), key.private_bytes_raw().hex())


def open_signer(public: bytes, cipher: bytes | memoryview) -> Ed25519PrivateKey:
    return Ed25519PrivateKey.from_private_bytes(bytes.fromhex(keyring.decrypt_system(SIGNERS, _SIGNER, public.hex(), cipher)))


def seal_nonce(user_id: int, public_id: str, nonce: bytes) -> bytes:
    return keyring.encrypt_for(user_id, _NONCE, public_id, nonce.hex())


def open_nonce(user_id: int, public_id: str, cipher: bytes | memoryview) -> bytes:
    return bytes.fromhex(keyring.decrypt_for(user_id, _NONCE, public_id, cipher))


def seal_snapshot(epoch: int, key: bytes, rows: bytes) -> bytes:
    """Under the day's key, which is used for one snapshot only: hence a fixed nonce."""
    return _snapshot_cipher(key).encrypt(bytes(12), rows, str(epoch).encode())


def open_snapshot(epoch: int, key: bytes, sealed: bytes) -> bytes:
    return _snapshot_cipher(key).decrypt(bytes(12), sealed, str(epoch).encode())


def _snapshot_cipher(key: bytes) -> AESGCM:
    return AESGCM(HKDFExpand(algorithm=SHA256(), length=32, info=b"PaYaPoL1 snapshot").derive(key))
