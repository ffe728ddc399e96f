"""SESSION_ENGINE of the staff's process: Django's database sessions in a table of their own."""

from typing import Any

from django.contrib.sessions.backends.db import SessionStore as DatabaseStore


class SessionStore(DatabaseStore):
    @classmethod
    def get_model_class(cls) -> Any:
        from console.models import StaffSession

        return StaffSession
