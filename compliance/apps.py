from django.apps import AppConfig


class ComplianceConfig(AppConfig):
    name = "compliance"

    def ready(self) -> None:
        from compliance import queries
        from compliance.documents import sealed  # noqa: F401  (the encrypted column, for the rotation of keys)
        from compliance.services import waiting
        from core.metrics import register_gauges
        from wallets.consumers import register_words

        register_words(["letter"], queries.words_for)
        register_gauges(waiting.gauges)
