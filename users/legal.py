"""The terms of service and the privacy notice: plain words in templates/legal/, one file per version.

Whoever signs up accepts both, and the row keeps the version and the digest of its text. A version that was published is never
edited: another one is added here, and people are asked again (`services.outstanding_terms`). Whoever edits one all the same is
found by tests/users/test_terms.py, because the digest of each stands here.
"""

import hashlib
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from django.conf import settings

TERMS, PRIVACY = "terms", "privacy"


@dataclass(frozen=True)
class Version:
    """One version of a document; `digest` is the SHA-256 of its file."""

    document: str
    version: str
    dated: date
    digest: str

    @property
    def title(self) -> str:
        return {TERMS: "Terms of service", PRIVACY: "Privacy notice"}[self.document]

    @property
    def template(self) -> str:
        return f"legal/{self.document}-{self.version}.html"

    @property
    def url(self) -> str:
        return f"/{self.document}"


VERSIONS = [
    Version(TERMS, "1", date(2026, 11, 30), "aec8e1a0cf8825ae932bc42fc6fecaa290d5ff83041fe5891e8aced0188d6d3e"),
    Version(PRIVACY, "1", date(2026, 11, 30), "06c8561f3b1df273b5734a311bad48fee1499c33352d419133ea9342e3173800"),
]


def current() -> list[Version]:
    """The newest version of each document."""
    return list({version.document: version for version in VERSIONS}.values())


def find(document: str, version: str = "") -> Version | None:
    """A version of a document, the newest without a number."""
    found = [each for each in VERSIONS if each.document == document and version in ("", each.version)]
    return found[-1] if found else None


def digest_of(version: Version) -> str:
    path = Path(settings.BASE_DIR) / "templates" / version.template
    return hashlib.sha256(path.read_bytes()).hexdigest()
