from django.apps import AppConfig


class PaymentsConfig(AppConfig):
    name = "payments"

    def ready(self) -> None:
        from compliance.services.flags import register_visibility
        from ledger.chart import Kind
        from payments import handlers, queries  # noqa: F401  (handlers register themselves)
        from wallets.queries import register_parties, register_references

        register_references([Kind.PAYMENT, Kind.HOLD, Kind.HOLD_PAID, Kind.HOLD_RELEASED], queries.references)
        register_parties([Kind.HOLD, Kind.HOLD_RELEASED], queries.payees)
        register_visibility(queries.how_private)
