"""Master keys, which wrap data keys and nothing else: a key file, or KMS.

A wrapped data key remembers which master key wrapped it, so that both kinds and all ages can stand beside each other
while `rotate_keys` moves data keys from one to the next.
"""

import json
import os
import secrets
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol, TypeVar

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from django.conf import settings

from core.keyring.cipher import DecryptionFailed
from core.resilience import ProviderDown, ProviderRejected, ProviderUnknown, call, unavailable

T = TypeVar("T")


class MasterKey(Protocol):
    """What wraps data keys. `context` is bound to the wrapped key: under another one it does not open."""

    def active(self) -> str:
        """The id of the master key that wraps what is new."""

    def wrap(self, data_key: bytes, context: str) -> tuple[str, bytes]:
        """The id of the master key used, and the wrapped data key."""

    def unwrap(self, master_id: str, wrapped: bytes, context: str) -> bytes:
        """Raises DecryptionFailed when it does not open, ServiceUnavailable when it cannot be asked."""


class KeyFile:
    """Master keys in a file of mode 0600: {"active": "k1", "keys": {"k1": "<64 hex digits>"}}.

    It is read each time, so that a key added to it counts at once in every process.
    """

    def __init__(self, path: str) -> None:
        self._path = Path(path)

    def active(self) -> str:
        return self._read()[0]

    def wrap(self, data_key: bytes, context: str) -> tuple[str, bytes]:
        active, keys = self._read()
        nonce = os.urandom(12)
        return active, nonce + AESGCM(bytes.fromhex(keys[active])).encrypt(nonce, data_key, context.encode())

    def unwrap(self, master_id: str, wrapped: bytes, context: str) -> bytes:
        _, keys = self._read()
        try:
            return AESGCM(bytes.fromhex(keys[master_id])).decrypt(wrapped[:12], wrapped[12:], context.encode())
        except (InvalidTag, KeyError, ValueError) as error:
            raise DecryptionFailed(f"data key of {context} does not open") from error

    def add(self) -> str:
        """Put a new key into the file and make it the active one; the old ones stay. Its id."""
        _, keys = self._read()
        name = f"k{len(keys) + 1}"
        while name in keys:
            name += "a"
        content = {"active": name, "keys": {**keys, name: secrets.token_hex(32)}}
        beside = self._path.with_suffix(".new")
        with os.fdopen(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
            file.write(json.dumps(content, indent=2) + "\n")
            file.flush()
            os.fsync(file.fileno())
        beside.replace(self._path)  # nobody ever reads half a file
        return name

    def _read(self) -> tuple[str, dict[str, str]]:
        content = json.loads(self._path.read_text())
        return content["active"], content["keys"]


class Kms:
    """A key in AWS KMS, named by ARN or alias. Wrapped keys remember the ARN behind the alias at that time."""

    def __init__(self, key: str) -> None:
        self._key = key

    def active(self) -> str:
        return str(self._ask(lambda kms: kms.describe_key(KeyId=self._key))["KeyMetadata"]["Arn"])

    def wrap(self, data_key: bytes, context: str) -> tuple[str, bytes]:
        sealed = self._ask(lambda kms: kms.encrypt(KeyId=self._key, Plaintext=data_key, EncryptionContext={"paya": context}))
        return str(sealed["KeyId"]), bytes(sealed["CiphertextBlob"])

    def unwrap(self, master_id: str, wrapped: bytes, context: str) -> bytes:
        try:
            opened = self._ask(
                lambda kms: kms.decrypt(KeyId=master_id, CiphertextBlob=wrapped, EncryptionContext={"paya": context})
            )
        except ProviderRejected as error:
            raise DecryptionFailed(f"data key of {context} does not open ({error.code})") from error
        return bytes(opened["Plaintext"])

    @staticmethod
    def _ask(request: Callable[[Any], T]) -> T:
        """Ask KMS, at most twice: nothing changes by asking. Raises ProviderRejected, ServiceUnavailable."""
        from botocore.exceptions import BotoCoreError, ClientError

        from core import aws

        def once() -> T:
            try:
                return request(aws.client("kms", endpoint=settings.KMS_ENDPOINT, read_seconds=2.0))
            except (ClientError, BotoCoreError) as error:
                raise aws.meaning("kms", error) from error

        try:
            return call("kms", once, tries=2)
        except (ProviderDown, ProviderUnknown) as error:
            raise unavailable("Our key service") from error


class _Masters:
    """Wraps with what is set up now (KMS before the key file), unwraps with whatever wrapped it."""

    def __init__(self, *, kms_key: str, key_file: str) -> None:
        self._kms, self._file = Kms(kms_key), KeyFile(key_file)
        self._current: MasterKey = self._kms if kms_key else self._file

    def active(self) -> str:
        return self._current.active()

    def wrap(self, data_key: bytes, context: str) -> tuple[str, bytes]:
        return self._current.wrap(data_key, context)

    def unwrap(self, master_id: str, wrapped: bytes, context: str) -> bytes:
        master: MasterKey = self._kms if master_id.startswith("arn:") else self._file
        return master.unwrap(master_id, wrapped, context)


def master_key() -> MasterKey:
    """The master keys of this installation."""
    return _Masters(kms_key=settings.KMS_KEY, key_file=settings.KEY_FILE)
