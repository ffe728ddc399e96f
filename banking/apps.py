from django.apps import AppConfig


class BankingConfig(AppConfig):
    name = "banking"

    def ready(self) -> None:
        from django.conf import settings

        from banking import handlers, plaid, queries, rails  # noqa: F401  (register outbox handlers and references)
        from banking.services import secrets  # noqa: F401  (the encrypted columns, for the rotation of keys)
        from banking.services.nacha import secrets as nacha_secrets  # noqa: F401
        from core.resilience import register_probe

        register_probe("dwolla", lambda: rails.dwolla().ping())
        register_probe("plaid", plaid.ping)
        if settings.STRIPE_SECRET_KEY:
            register_probe("stripe", rails.ping_stripe)
        if settings.ODFI_DROP and settings.ODFI_ROUTING:
            from banking import queries

            register_probe("odfi", rails.ping_odfi, doubt=queries.unanswered_since)
