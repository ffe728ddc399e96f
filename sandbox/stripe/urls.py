"""The addresses below `/stripe`."""

from django.urls import path, re_path

from sandbox.stripe import balance, banks, customers, hooks, intents, outbound, statement
from sandbox.stripe.frame import resource

urlpatterns = [
    path("v1/customers", resource(get=customers.customers_get, post=customers.customers_post)),
    path("v1/customers/<str:customer>",
         resource(get=customers.customer_get, post=customers.customer_post, delete=customers.customer_delete)),
    path("v1/customers/<str:customer>/sources", resource(get=banks.sources_get, post=banks.sources_post)),
    path("v1/customers/<str:customer>/sources/<str:source>",
         resource(get=banks.source_get, delete=banks.source_delete)),
    path("v1/customers/<str:customer>/sources/<str:source>/verify", resource(post=banks.source_verify)),
    path("v1/customers/<str:customer>/payment_methods", resource(get=banks.methods_get)),
    path("v1/tokens", resource(post=banks.tokens_post)),
    path("v1/tokens/<str:token>", resource(get=banks.token_get)),
    path("v1/payment_methods", resource(get=banks.methods_get, post=banks.methods_post)),
    path("v1/payment_methods/<str:method>", resource(get=banks.method_get)),
    path("v1/payment_methods/<str:method>/attach", resource(post=banks.method_attach)),
    path("v1/payment_methods/<str:method>/detach", resource(post=banks.method_detach)),
    path("v1/payment_intents", resource(get=intents.intents_get, post=intents.intents_post)),
    path("v1/payment_intents/<str:intent>", resource(get=intents.intent_get, post=intents.intent_post)),
    path("v1/payment_intents/<str:intent>/confirm", resource(post=intents.intent_confirm)),
    path("v1/payment_intents/<str:intent>/cancel", resource(post=intents.intent_cancel)),
    path("v1/payment_intents/<str:intent>/verify_microdeposits", resource(post=intents.intent_verify)),
    path("v1/charges/<str:charge>", resource(get=intents.charge_get)),
    path("v1/disputes", resource(get=intents.disputes_get)),
    path("v1/disputes/<str:dispute>", resource(get=intents.dispute_get)),
    path("v1/treasury/financial_accounts", resource(get=balance.vaults_get)),
    path("v1/treasury/financial_accounts/<str:account>", resource(get=balance.vault_get)),
    path("v1/treasury/outbound_payments", resource(get=outbound.outbounds_get, post=outbound.outbounds_post)),
    path("v1/treasury/outbound_payments/<str:outbound>", resource(get=outbound.outbound_get)),
    path("v1/treasury/outbound_payments/<str:outbound>/cancel", resource(post=outbound.outbound_cancel)),
    path("v1/test_helpers/treasury/received_credits", resource(post=balance.received_credits_post)),
    path("v1/balance", resource(get=balance.balance_get)),
    path("v1/balance_transactions", resource(get=statement.entries_get)),
    path("v1/balance_transactions/<str:entry>", resource(get=statement.entry_get)),
    path("v1/treasury/transactions", resource(get=statement.transactions_get)),
    path("v1/treasury/transactions/<str:transaction>", resource(get=statement.transaction_get)),
    path("v1/webhook_endpoints", resource(get=hooks.endpoints_get, post=hooks.endpoints_post)),
    path("v1/webhook_endpoints/<str:endpoint>", resource(get=hooks.endpoint_get, delete=hooks.endpoint_delete)),
    path("v1/events", resource(get=hooks.events_get)),
    path("v1/events/<str:event>", resource(get=hooks.event_get)),
    re_path(r"^", resource()),
]
