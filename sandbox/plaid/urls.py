"""The addresses below `/plaid`."""

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import path, re_path
from django.views.decorators.csrf import csrf_exempt

from sandbox.plaid.frame import PlaidError
from sandbox.plaid.hooks import fire_webhook, webhook_verification_key_get
from sandbox.plaid.items import (
    accounts_balance_get,
    accounts_get,
    auth_get,
    identity_get,
    identity_match,
    institutions_get_by_id,
    item_get,
    item_remove,
    processor_token_create,
    public_token_exchange,
)
from sandbox.plaid.link import link_token_create, link_token_get
from sandbox.plaid.vendor_sandbox import sandbox_processor_token_create, sandbox_public_token_create, sandbox_reset_login
from sandbox.stripe.banks import plaid_bank_account_token


@csrf_exempt
def nothing_here(request: HttpRequest) -> HttpResponse:
    problem = PlaidError("INVALID_REQUEST", "NOT_FOUND", f"no such endpoint: {request.path[:200]}", 404)
    return JsonResponse(problem.body(), status=404)


urlpatterns = [
    path("link/token/create", link_token_create),
    path("link/token/get", link_token_get),
    path("item/public_token/exchange", public_token_exchange),
    path("item/get", item_get),
    path("item/remove", item_remove),
    path("accounts/get", accounts_get),
    path("accounts/balance/get", accounts_balance_get),
    path("auth/get", auth_get),
    path("identity/get", identity_get),
    path("identity/match", identity_match),
    path("processor/token/create", processor_token_create),
    path("processor/stripe/bank_account_token/create", plaid_bank_account_token),
    path("institutions/get_by_id", institutions_get_by_id),
    path("webhook_verification_key/get", webhook_verification_key_get),
    path("sandbox/public_token/create", sandbox_public_token_create),
    path("sandbox/processor_token/create", sandbox_processor_token_create),
    path("sandbox/item/fire_webhook", fire_webhook),
    path("sandbox/item/reset_login", sandbox_reset_login),
    re_path(r"^", nothing_here),
]
