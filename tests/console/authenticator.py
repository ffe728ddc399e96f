"""A security key in software: what an authenticator and its browser answer, and what liars would."""

import hashlib
import json
import os
from dataclasses import dataclass, field
from typing import Any

import cbor2
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from webauthn.helpers import base64url_to_bytes, bytes_to_base64url

PRESENT, VERIFIED, ATTESTED = 0x01, 0x04, 0x40


@dataclass
class SoftKey:
    """One key with one credential. `count` is what it has signed; a key that never counts says `counts=False`."""

    origin: str
    counts: bool = True
    count: int = 0
    handle: str | None = None
    id: bytes = field(default_factory=lambda: os.urandom(32))
    secret: ec.EllipticCurvePrivateKey = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))

    def _data(self, domain: str, flags: int, rest: bytes = b"") -> bytes:
        return hashlib.sha256(domain.encode()).digest() + bytes([flags]) + self.count.to_bytes(4, "big") + rest

    def _client(self, kind: str, challenge: str, origin: str | None) -> bytes:
        return json.dumps({"type": kind, "challenge": challenge, "origin": origin or self.origin, "crossOrigin": False}).encode()

    def create(self, options: dict[str, Any], *, origin: str | None = None, domain: str | None = None) -> str:
        numbers = self.secret.public_key().public_numbers()
        cose = cbor2.dumps({1: 2, 3: -7, -1: 1, -2: numbers.x.to_bytes(32, "big"), -3: numbers.y.to_bytes(32, "big")})
        attested = bytes(16) + len(self.id).to_bytes(2, "big") + self.id + cose
        data = self._data(domain or options["rp"]["id"], PRESENT | VERIFIED | ATTESTED, attested)
        self.handle = options["user"]["id"]
        return self._json({
            "clientDataJSON": self._client("webauthn.create", options["challenge"], origin),
            "attestationObject": cbor2.dumps({"fmt": "none", "attStmt": {}, "authData": data}),
        })  # fmt: skip

    def get(
        self, options: dict[str, Any], *, origin: str | None = None, domain: str | None = None, flags: int = PRESENT,
        kind: str = "webauthn.get", challenge: str | None = None,
    ) -> str:  # fmt: skip
        self.count += self.counts
        client = self._client(kind, challenge or options["challenge"], origin)
        data = self._data(domain or options["rpId"], flags)
        signature = self.secret.sign(data + hashlib.sha256(client).digest(), ec.ECDSA(hashes.SHA256()))
        parts = {"clientDataJSON": client, "authenticatorData": data, "signature": signature}
        if self.handle is not None:
            parts["userHandle"] = base64url_to_bytes(self.handle)
        return self._json(parts)

    def _json(self, response: dict[str, bytes]) -> str:
        name = bytes_to_base64url(self.id)
        said = {part: bytes_to_base64url(value) for part, value in response.items()}
        return json.dumps({"id": name, "rawId": name, "type": "public-key", "response": said})
