"""Somebody else's web server that shows the attestations as they were pushed there: the second place to compare with."""

import os
import re
from pathlib import Path

from django.http import Http404, HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

FOLDER = Path(os.environ.get("PAYA_SANDBOX_MIRROR", "var/attestations"))


@require_safe
def show(request: HttpRequest, file: str) -> HttpResponse:
    """One file as it lies there."""
    path = FOLDER / file
    if re.fullmatch(r"[\w-]+\.(txt|checkpoint)", file) is None or not path.is_file():
        raise Http404
    response = HttpResponse(path.read_bytes(), content_type="text/plain; charset=utf-8")
    response["Access-Control-Allow-Origin"] = "*"
    return response
