"""AWS SNS, which sends text messages while Twilio is down."""

import logging
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError
from django.conf import settings

from core import aws
from core.resilience import ProviderDown, ProviderRejected, ProviderUnknown

log = logging.getLogger("paya.sms")

# What SNS says about the number or the message. Any other refusal is about our account, and no fault of the number's.
_ABOUT_THE_MESSAGE = (
    "InvalidParameter", "ParameterValueInvalid", "ValidationError", "ValidationException", "OptedOut",
)  # fmt: skip


class Sns:
    name = "sns"

    def send(self, *, to: str, body: str, reference: str) -> None:
        """See SmsProvider. SNS takes a message for a number that has opted out and drops it, hence the question."""
        sns = _ours()
        if self._opted_out(sns, to):
            raise ProviderRejected("OptedOut")
        try:
            sns.publish(PhoneNumber=to, Message=body, MessageAttributes=_attributes())
        except (ClientError, BotoCoreError) as error:
            raise _meaning(error) from error

    def warm_up(self) -> None:
        """See SmsProvider."""
        _ours()

    @staticmethod
    def _opted_out(sns: Any, to: str) -> bool:
        try:
            return bool(sns.check_if_phone_number_is_opted_out(phoneNumber=to)["isOptedOut"])
        except (ClientError, BotoCoreError) as error:
            meaning = _meaning(error)
            # Only asked so far: whatever became of the question, nothing was sent.
            raise ProviderDown(str(meaning)) if isinstance(meaning, ProviderUnknown) else meaning from error


def _ours() -> Any:
    return aws.client("sns", endpoint=settings.SNS_ENDPOINT, read_seconds=settings.VENDOR_TIMEOUT_SECONDS)


def _attributes() -> dict[str, dict[str, str]]:
    """Transactional: delivered first, and not held back by what a campaign may spend."""
    attributes = {"AWS.SNS.SMS.SMSType": {"DataType": "String", "StringValue": "Transactional"}}
    if settings.SNS_MAX_PRICE:
        attributes["AWS.SNS.SMS.MaxPrice"] = {"DataType": "Number", "StringValue": settings.SNS_MAX_PRICE}
    if settings.SNS_ORIGINATION_NUMBER:
        attributes["AWS.MM.SMS.OriginationNumber"] = {"DataType": "String", "StringValue": settings.SNS_ORIGINATION_NUMBER}
    return attributes


def _meaning(error: ClientError | BotoCoreError) -> Exception:
    meaning = aws.meaning("sns", error)
    if isinstance(meaning, ProviderRejected) and not meaning.code.startswith(_ABOUT_THE_MESSAGE):
        log.error("sns_refuses_us", extra={"provider": "sns", "code": meaning.code})
        return ProviderDown(f"sns refuses us: {meaning.code}")
    return meaning
