"""What is encrypted of direct NACHA files: account numbers under their person's key, whole files under the rail's."""

from banking.models import NachaEntry, NachaFile, NachaIncoming, NachaQuarantine, NachaReceiver
from core import keyring

CLASS = "odfi"
_RECEIVER = "banking_nachareceiver.account"
_ENTRY = "banking_nachaentry.account"
_FILE = "banking_nachafile.content"
_INCOMING = "banking_nachaincoming.content"
_LINE = "banking_nachaquarantine.raw"

keyring.register(
    keyring.Column("banking_nachareceiver", "account", _RECEIVER),
    keyring.Column("banking_nachaentry", "account", _ENTRY),
    keyring.Column("banking_nachafile", "content", _FILE, system=CLASS),
    keyring.Column("banking_nachaincoming", "content", _INCOMING, system=CLASS),
    keyring.Column(
        "banking_nachaquarantine", "raw", _LINE, public_id="incoming_id || ':' || line || ':' || position", system=CLASS
    ),
)


def linked_index(routing: str, account: str) -> bytes:
    return keyring.blind_index("nacha_account", f"{routing}:{account}")


def seal_receiver(row: NachaReceiver, account: str) -> bytes:
    return keyring.encrypt_for(row.user_id, _RECEIVER, row.public_id, account)


def receiver_account(row: NachaReceiver) -> str:
    return keyring.decrypt_for(row.user_id, _RECEIVER, row.public_id, row.account)


def seal_entry(row: NachaEntry, account: str) -> bytes:
    return keyring.encrypt_for(row.user_id, _ENTRY, row.public_id, account)


def entry_account(row: NachaEntry) -> str:
    return keyring.decrypt_for(row.user_id, _ENTRY, row.public_id, row.account)


def seal_account(row: NachaReceiver | NachaEntry, account: str) -> bytes:
    return seal_receiver(row, account) if isinstance(row, NachaReceiver) else seal_entry(row, account)


def seal_file(row: NachaFile, content: str) -> bytes:
    return keyring.encrypt_system(CLASS, _FILE, row.public_id, content)


def file_content(row: NachaFile) -> bytes:
    return open_file(row.public_id, row.content)


def open_file(public_id: str, content: bytes | memoryview) -> bytes:
    return keyring.decrypt_system(CLASS, _FILE, public_id, content).encode()


def seal_incoming(row: NachaIncoming, content: bytes) -> bytes:
    """Any bytes: kept as the characters of Latin-1, of which there is one for each."""
    return keyring.encrypt_system(CLASS, _INCOMING, row.public_id, content.decode("latin-1"))


def incoming_content(row: NachaIncoming) -> bytes:
    return open_incoming(row.public_id, row.content)


def open_incoming(public_id: str, content: bytes | memoryview) -> bytes:
    return keyring.decrypt_system(CLASS, _INCOMING, public_id, content).encode("latin-1")


def seal_line(row: NachaQuarantine, text: str) -> bytes:
    return keyring.encrypt_system(CLASS, _LINE, f"{row.incoming_id}:{row.line}:{row.position}", text)
