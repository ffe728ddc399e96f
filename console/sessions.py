"""SESSION_ENGINE of the staff's process: sessions as everybody's, in a table of their own."""

from typing import Any

from core.sessions import SessionStore as HashedStore


class SessionStore(HashedStore):
    @classmethod
    def get_model_class(cls) -> Any:
        from console.models import StaffSession

        return StaffSession
