"""Where a request comes from: for caps, and (truncated) for a person to recognise a device by."""

import ipaddress

from django.conf import settings
from django.http import HttpRequest

from core.keyring import blind_index


def client_address(request: HttpRequest) -> str:
    """The caller's IP address. X-Forwarded-For counts only as far as our own proxies have written it."""
    hops = [hop.strip() for hop in request.headers.get("X-Forwarded-For", "").split(",") if hop.strip()]
    hops.append(request.META.get("REMOTE_ADDR") or "")
    proxies: int = settings.TRUSTED_PROXIES
    return hops[max(0, len(hops) - 1 - proxies)]


def network(address: str) -> str:
    """The network of an address (IPv4 /24, IPv6 /48), or "" when it is none."""
    return _network(address, 24, 48)


def network_words(network: str) -> str:
    """A network as people know addresses: "203.0.113.x" for 203.0.113.0/24; "" for none."""
    base = network.partition("/")[0]
    if "." in base:
        return f"{base.rpartition('.')[0]}.x"
    return base.removesuffix("::") + ":…" if base else ""


def address_index(address: str) -> bytes:
    """The blind index that caps per address count: an IPv4 address, or the /64 that one IPv6 customer has."""
    return blind_index("address", _network(address, 32, 64))


def _network(address: str, v4: int, v6: int) -> str:
    try:
        ip = ipaddress.ip_address(address.split("%")[0])
    except ValueError:
        return ""
    if isinstance(ip, ipaddress.IPv6Address):
        ip = ip.ipv4_mapped or ip
    return str(ipaddress.ip_network(f"{ip}/{v4 if ip.version == 4 else v6}", strict=False))
