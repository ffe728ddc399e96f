"""Phone numbers: what a person types, the E.164 that we keep, and the little of it that a page may show."""

import phonenumbers
from django.conf import settings
from phonenumbers import NumberParseException, PhoneNumberFormat, PhoneNumberType

from core.errors import ValidationError
from core.keyring import blind_index

# Where a text message can arrive. Toll-free, premium and personal numbers are where money is pumped to.
_TEXTABLE = {PhoneNumberType.MOBILE, PhoneNumberType.FIXED_LINE_OR_MOBILE}


def parse(text: str) -> str:
    """The number in E.164; raises ValidationError (field phone) unless its region is one of PHONE_REGIONS.

    The region is judged by the whole number: +1 is shared by the US, Canada and much of the Caribbean.
    """
    regions: list[str] = settings.PHONE_REGIONS
    try:
        number = phonenumbers.parse(text, regions[0])
    except NumberParseException as error:
        raise _refused("This does not look like a phone number.") from error
    region = phonenumbers.region_code_for_number(number)
    if region is not None and region not in regions:
        raise _refused(f"PaYa works with numbers from {listed(regions)} so far. This one is from elsewhere ({region}).")
    if region is None or not phonenumbers.is_valid_number(number) or number.extension:
        raise _refused(f"This is not a complete phone number of {listed(regions)}.")
    if phonenumbers.number_type(number) not in _TEXTABLE:
        raise _refused("Text messages do not reach this kind of number. Please use a mobile phone.")
    return phonenumbers.format_number(number, PhoneNumberFormat.E164)


def hint(e164: str) -> str:
    """As in "•••• 0142": enough to recognise one's own number."""
    return f"•••• {e164[-4:]}"


def block_index(e164: str) -> bytes:
    """The blind index of the block of a thousand neighbours that the number lies in."""
    return blind_index("block", e164[:-3])


def listed(regions: list[str]) -> str:
    """Regions in words."""
    names = {"US": "the US"}
    return ", ".join(names.get(region, region) for region in regions)


def _refused(sentence: str) -> ValidationError:
    return ValidationError(sentence, fields={"phone": sentence})
