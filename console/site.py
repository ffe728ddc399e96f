"""The site itself: who may enter, its first page, and finding things."""

import time
from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe
from unfold.sites import UnfoldAdminSite

from console import joining, keys, metrics, queries, queues, report
from console.auth import AgainForm
from console.middleware import FRESH, FRESH_CODE, SINCE
from console.services import ROLES
from core.staff import allowed


class StaffSite(UnfoldAdminSite):
    index_title = "Overview"
    login_template = "console/login.html"
    index_template = "console/index.html"
    enable_nav_sidebar = True

    def has_permission(self, request: HttpRequest) -> bool:
        """Active staff whose authenticator was checked; a password alone opens nothing."""
        user = request.user
        return bool(user.is_authenticated and user.is_active and user.is_staff and user.is_verified())  # type: ignore[attr-defined]

    def extra_urls(self) -> list[URLPattern]:
        return [
            path("again/", self.admin_view(self.again), name="again"),
            path("again/key/", self.admin_view(require_POST(keys.options_again)), name="again_key"),
            path("join/<str:token>/", never_cache(self.join), name="join"),
            path("login/key/", never_cache(require_POST(keys.options_to_log_in)), name="login_key"),
            path("keys/", self.admin_view(self.keys), name="keys"),
            path("keys/options/", self.admin_view(require_POST(keys.options_to_add)), name="keys_options"),
            path("keys/<int:key>/remove/", self.admin_view(require_POST(keys.remove)), name="keys_remove"),
            path("roles/", self.admin_view(require_safe(self.roles)), name="roles"),
            path("find/", self.admin_view(require_POST(self.find)), name="find"),
            path("queues/", self.admin_view(require_safe(self.queues)), name="queues"),
            path("report/", self.admin_view(require_safe(self.report)), name="report"),
            path("metrics/", self.admin_view(require_safe(self.metrics)), name="metrics"),
            path("metrics.csv", self.admin_view(require_safe(metrics.as_csv)), name="metrics_csv"),
        ]

    def get_urls(self) -> list[Any]:
        """Without a form for passwords: they are chosen by a link (console/joining.py), and renewed by `create_staff --renew`."""
        return [url for url in super().get_urls() if getattr(url, "name", "") not in ("password_change", "password_change_done")]

    def login(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        answer: HttpResponse = super().login(request, {**keys.here(request), **(extra_context or {})})
        if request.method == "POST" and request.user.is_authenticated:
            request.session[SINCE] = request.session[FRESH] = time.time()
            if not request.POST.get("key"):
                request.session[FRESH_CODE] = time.time()
        return answer

    def join(self, request: HttpRequest, token: str) -> HttpResponse:
        """For whoever has a link: nobody is logged in yet."""
        answer = joining.page(request, token, self.each_context(request))
        if request.user.is_authenticated and answer.status_code == 302:
            request.session[SINCE] = request.session[FRESH] = request.session[FRESH_CODE] = time.time()
        return answer

    def again(self, request: HttpRequest) -> HttpResponse:
        """A fresh code or key, before money is moved; the page of keys takes a code."""
        to = request.POST.get("next", request.GET.get("next", ""))
        if not url_has_allowed_host_and_scheme(to, allowed_hosts=None) or not to.startswith("/admin/"):
            to = reverse("admin:index")
        code_only = to == reverse("admin:keys")
        form = AgainForm(request, request.POST or None, code_only=code_only)
        if request.method == "POST" and form.is_valid():
            request.session[FRESH] = time.time()
            if not form.cleaned_data["key"]:
                request.session[FRESH_CODE] = time.time()
            return redirect(to)
        offers_key = keys.here(request)["keys_here"] and not code_only and bool(keys.own(int(request.user.pk or 0)))
        context = {**self.each_context(request), "title": "Is it you?", "form": form, "next": to, "offers_key": offers_key}
        return TemplateResponse(request, "console/again.html", context, status=400 if form.errors else 200)

    def roles(self, request: HttpRequest) -> HttpResponse:
        """Who may do what: the table that the database obeys."""
        context = {**self.each_context(request), "title": "Who may do what", "table": queries.permissions(), "roles": ROLES}
        return TemplateResponse(request, "console/roles.html", context)

    def keys(self, request: HttpRequest) -> HttpResponse:
        return keys.page(request, self.each_context(request))

    def index(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> TemplateResponse:
        return super().index(request, {"overview": queries.overview(int(request.user.pk or 0)), **(extra_context or {})})

    def queues(self, request: HttpRequest) -> HttpResponse:
        return queues.page(request, self.each_context(request))

    def report(self, request: HttpRequest) -> HttpResponse:
        if "report.view" not in allowed():
            raise PermissionDenied
        return report.page(request, self.each_context(request))

    def metrics(self, request: HttpRequest) -> HttpResponse:
        return metrics.page(request, self.each_context(request))

    def find(self, request: HttpRequest) -> HttpResponse:
        """Straight to the thing. A POST, because a phone may be asked for and belongs into no address."""
        term = request.POST.get("q", "").strip()[:200]
        found = queries.find(term) if term else None
        if found is None and queries.people_of(term):
            return redirect(f"{reverse('admin:console_person_changelist')}?{urlencode({'q': term})}")
        if found is None:
            takes = "an @username, a public id, a whole phone number, the last four digits of a bank account or a reference"
            messages.warning(request, f"Nothing goes by that. It takes {takes}.")
            return redirect("admin:index")
        return redirect(reverse(f"admin:console_{found._meta.model_name}_change", args=[found.pk]))


site = StaffSite()
