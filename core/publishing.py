"""What anybody may read from anywhere: other sites may show it, and caches may keep it for a moment."""

import hashlib
from collections.abc import Callable
from functools import wraps
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.template.response import SimpleTemplateResponse
from django.utils.cache import get_conditional_response
from django.utils.http import quote_etag

View = Callable[..., HttpResponse]


def published(seconds: int) -> Callable[[View], View]:
    """For views whose answer is the same for everybody: CORS for GET, an ETag, and `seconds` in any cache."""

    def decorate(view: View) -> View:
        @wraps(view)
        def wrapped(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
            response = view(request, *args, **kwargs)
            if isinstance(response, SimpleTemplateResponse):
                response.render()
            if response.status_code == 200 and request.method in ("GET", "HEAD"):
                response["Cache-Control"] = f"public, max-age={seconds}, stale-while-revalidate={10 * seconds}"
                response["ETag"] = quote_etag(hashlib.sha256(response.content).hexdigest()[:32])
                response = get_conditional_response(request, etag=response["ETag"], response=response) or response
            response["Access-Control-Allow-Origin"] = "*"
            return response

        return wrapped

    return decorate
