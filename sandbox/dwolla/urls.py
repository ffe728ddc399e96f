"""The addresses below `/dwolla`."""

from django.http import HttpRequest, HttpResponse
from django.urls import path, re_path
from django.views.decorators.csrf import csrf_exempt

from sandbox.dwolla.account import account_get, account_sources, account_transfers, root_get, token
from sandbox.dwolla.customers import customer_get, customer_post, customers_get, customers_post
from sandbox.dwolla.exchanges import exchange_get, exchanges_post, partner_get, partners_get
from sandbox.dwolla.frame import not_found, resource
from sandbox.dwolla.funding_sources import (
    customer_sources,
    micro_deposits_get,
    micro_deposits_post,
    source_balance,
    source_get,
    source_post,
    sources_post,
)
from sandbox.dwolla.hooks import (
    event_get,
    events_get,
    retries_get,
    retries_post,
    simulations_post,
    subscription_delete,
    subscription_get,
    subscription_post,
    subscription_webhooks,
    subscriptions_get,
    subscriptions_post,
    webhook_get,
)
from sandbox.dwolla.transfers import customer_transfers, transfer_failure, transfer_get, transfer_post, transfers_post


@csrf_exempt
def nothing_here(request: HttpRequest) -> HttpResponse:
    return not_found().response()


urlpatterns = [
    path("token", token),
    path("", resource(get=root_get)),
    path("accounts/<str:account>", resource(get=account_get)),
    path("accounts/<str:account>/funding-sources", resource(get=account_sources)),
    path("accounts/<str:account>/transfers", resource(get=account_transfers)),
    path("customers", resource(get=customers_get, post=customers_post)),
    path("customers/<str:customer>", resource(get=customer_get, post=customer_post)),
    path("customers/<str:customer>/exchanges", resource(post=exchanges_post)),
    path("customers/<str:customer>/funding-sources", resource(get=customer_sources, post=sources_post)),
    path("customers/<str:customer>/transfers", resource(get=customer_transfers)),
    path("exchange-partners", resource(get=partners_get)),
    path("exchange-partners/<str:partner>", resource(get=partner_get)),
    path("exchanges/<str:exchange>", resource(get=exchange_get)),
    path("funding-sources/<str:source>", resource(get=source_get, post=source_post)),
    path("funding-sources/<str:source>/balance", resource(get=source_balance)),
    path("funding-sources/<str:source>/micro-deposits", resource(get=micro_deposits_get, post=micro_deposits_post)),
    path("transfers", resource(post=transfers_post)),
    path("transfers/<str:transfer>", resource(get=transfer_get, post=transfer_post)),
    path("transfers/<str:transfer>/failure", resource(get=transfer_failure)),
    path("events", resource(get=events_get)),
    path("events/<str:event>", resource(get=event_get)),
    path("webhook-subscriptions", resource(get=subscriptions_get, post=subscriptions_post)),
    path("webhook-subscriptions/<str:subscription>",
         resource(get=subscription_get, post=subscription_post, delete=subscription_delete)),
    path("webhook-subscriptions/<str:subscription>/webhooks", resource(get=subscription_webhooks)),
    path("webhooks/<str:webhook>", resource(get=webhook_get)),
    path("webhooks/<str:webhook>/retries", resource(get=retries_get, post=retries_post)),
    path("sandbox-simulations", resource(post=simulations_post)),
    re_path(r"^", nothing_here),
]
