"""What a person does on Plaid's hosted page, and on their bank's own site: forms filled in and sent."""

import re
from urllib.parse import urlsplit

import requests


class Browser:
    def __init__(self) -> None:
        self.session = requests.Session()

    def send(self, address: str, **fields: str) -> requests.Response:
        """Open a page and send its form; where it leads is not followed."""
        page = self.session.get(address, timeout=10)
        hidden = dict(re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', page.text))
        return self.session.post(address, {**hidden, **fields}, allow_redirects=False, timeout=10)


def visit(address: str, **fields: str) -> str:
    """One form on the hosted page, and the way back into the product: path and query."""
    answer = Browser().send(address, **fields)
    assert answer.status_code == 303, answer.text
    return local(answer.headers["Location"])


def local(address: str) -> str:
    parts = urlsplit(address)
    return f"{parts.path}?{parts.query}"
