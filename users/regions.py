"""In which country an address is, by a data file that ships in a package; and whether we serve it."""

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


def check_address(address: str) -> None:
    """Raise RegionNotServed for an address from elsewhere. It looks at nothing else: who is asking is not known yet.

    Where no country is known (a private address, a hole in the file) it depends on ADDRESS_UNKNOWN_PASSES, as in the sandbox.
    """
    regions: list[str] = settings.ADDRESS_REGIONS
    country = country_of(address) if regions else UNKNOWN
    if not regions or country in regions or (country == UNKNOWN and settings.ADDRESS_UNKNOWN_PASSES):
        return
    raise RegionNotServed(
        f"PaYa can be used from {listed(regions)} so far, and this connection comes from elsewhere. If you use a VPN or a proxy,"
        " please try again without it."
    )


@cache
def _data() -> Any:
    """Both address families, about 30 MB, read when a public address is first asked about."""
    from geoip2fast import GeoIP2Fast

    return GeoIP2Fast(geoip2fast_data_file="geoip2fast-ipv6.dat.gz", verbose=False)
