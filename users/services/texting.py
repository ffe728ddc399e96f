"""Text messages to a person that carry no code. The caller keeps what has been sent: a second call sends a second message."""

from users import queries, sms


def text_person(*, user_id: int, body: str, reference: str) -> None:
    """Send `body` to the person's phone, by the first provider that is up; for workers.

    Raises ProviderDown (certainly not sent), ProviderUnknown (nobody knows) and ProviderRejected (never will be).
    """
    sms.deliver(to=queries.phone(user_id=user_id), body=body, reference=reference)
