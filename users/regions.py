"""In which country an address is, by a data file that ships in a package; and whether accounts are opened from there."""

import ipaddress
from functools import cache
from typing import Any

from django.conf import settings

from users.errors import RegionNotServed
from users.phones import listed

UNKNOWN = ""


def country_of(address: str) -> str:
    """ISO 3166 code such as "US"; empty for an address that is nobody's in public, or that the file does not know."""
    try:
        ip = ipaddress.ip_address(address.split("%")[0])
    except ValueError:
        return UNKNOWN
    if isinstance(ip, ipaddress.IPv6Address):
        ip = ip.ipv4_mapped or ip
    if not ip.is_global:
        return UNKNOWN
    code = str(_data().lookup(str(ip)).country_code)
    return code if len(code) == 2 and code.isalpha() else UNKNOWN


def is_abroad(address: str) -> bool:
    """Whether no account is opened from this address: it is in no country that we serve.

    Where no country is known (a private address, a hole in the file) it depends on ADDRESS_UNKNOWN_PASSES, as in the sandbox.
    """
    regions: list[str] = settings.ADDRESS_REGIONS
    country = country_of(address) if regions else UNKNOWN
    return bool(regions) and country not in regions and not (country == UNKNOWN and settings.ADDRESS_UNKNOWN_PASSES)


def not_served() -> RegionNotServed:
    """What somebody is told who would open an account from abroad."""
    return RegionNotServed(
        f"An account can be opened from {listed(settings.ADDRESS_REGIONS)} so far, and this connection comes from elsewhere. If"
        " you use a VPN or a proxy, please try again without it: your code is still good."
    )


@cache
def _data() -> Any:
    """Both address families, about 30 MB, read when a public address is first asked about."""
    from geoip2fast import GeoIP2Fast

    return GeoIP2Fast(geoip2fast_data_file="geoip2fast-ipv6.dat.gz", verbose=False)
