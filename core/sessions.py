"""SESSION_ENGINE: Django's database sessions, of which the database holds a hash in place of the cookie.

Whoever reads a dump of it, a replica or a backup can be nobody with what they find.
"""

import hashlib
from typing import Any

from django.contrib.sessions.backends.db import SessionStore as DatabaseStore
from django.utils import timezone


def stored_key(session_key: str | None) -> str:
    """Under what a cookie's session is found: 160 bits of its hash, which the column has room for."""
    return hashlib.sha256(b"session:" + (session_key or "").encode()).hexdigest()[:40]


class SessionStore(DatabaseStore):
    def _get_session_from_db(self) -> Any:
        found = self.model.objects.filter(session_key=stored_key(self.session_key), expire_date__gt=timezone.now()).first()
        if found is None:
            self._session_key = None
        return found

    def exists(self, session_key: str) -> bool:
        return bool(super().exists(stored_key(session_key)))

    def create_model_instance(self, data: dict[str, Any]) -> Any:
        row = super().create_model_instance(data)
        row.session_key = stored_key(self.session_key)
        return row

    def delete(self, session_key: str | None = None) -> None:
        key = session_key or self.session_key
        if key is not None:
            self.model.objects.filter(session_key=stored_key(key)).delete()
