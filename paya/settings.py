"""The one settings file. Everything that differs between machines comes from the environment (docs/architecture.md)."""

from pathlib import Path
from typing import Any

import environ

import console.theme

env = environ.Env()
BASE_DIR = Path(__file__).resolve().parent.parent

# --- What this process is -------------------------------------------------------------------------------------
PAYA_ENV = env.str("PAYA_ENV", "local")
PRODUCTION = PAYA_ENV == "production"
DEBUG = env.bool("PAYA_DEBUG", False)
SANDBOX = env.bool("PAYA_SANDBOX", False)
SANDBOX_URL = env.str("PAYA_SANDBOX_URL", "") if SANDBOX else ""
PUBLIC_URL = env.str("PAYA_PUBLIC_URL", "http://127.0.0.1:8000")
LIVE_URL = env.str("PAYA_LIVE_URL", "ws://127.0.0.1:8001")
PORT = env.int("PAYA_PORT", 8000)
# The staff's site is a process of its own (docs/decisions/0006): PAYA_SITE=staff, with the staff role's DATABASE_URL.
SITE = env.str("PAYA_SITE", "people")
# Where the public site sends whoever asks it for /admin; empty in production, where nothing public knows that address.
STAFF_URL = env.str("PAYA_STAFF_URL", "")
# The one address at which staff's security keys are good; its host is their domain, for which browsers take no IP address, so
# locally it is localhost. Without one there are codes alone.
STAFF_ORIGIN = env.str("PAYA_STAFF_ORIGIN", STAFF_URL.replace("//127.0.0.1", "//localhost", 1))
# Pages that may open a live connection. Locally a browser may have come by either name of this machine.
LIVE_ORIGINS = {PUBLIC_URL} if PRODUCTION else {PUBLIC_URL, f"http://127.0.0.1:{PORT}", f"http://localhost:{PORT}"}

# --- Secrets (no defaults: a process without them does not start) ------------------------------------------------
SECRET_KEY = env.str("PAYA_SECRET_KEY")
JWT_KEY = env.str("PAYA_JWT_KEY")
OTP_KEY = env.str("PAYA_OTP_KEY")
BLIND_KEY = env.str("PAYA_BLIND_KEY")
# What wraps the data keys: KMS where it is set (ARN or alias), or else the key file. Both open what they have wrapped.
KMS_KEY = env.str("PAYA_KMS_KEY", "")
KMS_ENDPOINT = env.str("PAYA_KMS_ENDPOINT", "")
KEY_FILE = env.str("PAYA_KEY_FILE", "") if KMS_KEY else env.str("PAYA_KEY_FILE")
AWS_REGION = env.str("AWS_REGION", env.str("AWS_DEFAULT_REGION", "us-east-1"))

# --- Django -----------------------------------------------------------------------------------------------------
ALLOWED_HOSTS = env.list("PAYA_ALLOWED_HOSTS", default=["127.0.0.1", "localhost", "[::1]"])
CSRF_TRUSTED_ORIGINS = sorted(LIVE_ORIGINS)
ROOT_URLCONF = "paya.urls"
WSGI_APPLICATION = "paya.wsgi.application"
ASGI_APPLICATION = "paya.asgi.application"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
USE_TZ = True
TIME_ZONE = "UTC"
LANGUAGE_CODE = "en-us"
USE_I18N = False
APPEND_SLASH = False

INSTALLED_APPS = [
    "django.contrib.contenttypes",
    "django.contrib.auth",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "console",  # above the theme, whose templates it refines
    "unfold.apps.BasicAppConfig",
    "django.contrib.admin.apps.SimpleAdminConfig",
    "django_otp",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "django_htmx",
    "django_celery_beat",
    "paya.apps.PayaConfig",
    "core",
    "ledger",
    "users",
    "wallets",
    "compliance",
    "payments",
    "banking",
    "rewards",
    "transparency",
    "privacy",
    "home",
]
AUTH_USER_MODEL = "users.User"
# The admin's middleware and context are in the staff's process alone (STAFF_SITE below).
SILENCED_SYSTEM_CHECKS = [] if SITE == "staff" else ["admin.E402", "admin.E408"]

MIDDLEWARE = [
    "core.middleware.RequestId",
    "core.middleware.KnownHost",
    "django.middleware.security.SecurityMiddleware",
    "csp.middleware.CSPMiddleware",
    "core.middleware.GZipPages",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "core.middleware.ApiBoundary",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "users.middleware.PersonMiddleware",
    "users.middleware.RateLimit",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "core.middleware.PageErrors",
    "core.middleware.CleanAddresses",
]

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.messages.context_processors.messages",
                "core.context.site",
                "users.context.person",
            ]
        },
    }
]

# --- Data -------------------------------------------------------------------------------------------------------
DATABASES = {"default": env.db_url("DATABASE_URL", engine="django.db.backends.postgresql")}
DATABASES["default"].update(CONN_MAX_AGE=None, ATOMIC_REQUESTS=False, DISABLE_SERVER_SIDE_CURSORS=True)
# lock_timeout is short so that a stuck lock becomes a clear answer instead of a queue (DESIGN: locks).
DATABASES["default"].setdefault("OPTIONS", {}).setdefault("options", "-c lock_timeout=2000")
# A copy for reads that may be a moment old (core/replica.py). Whoever is not answered soon asks the primary.
if env.str("REPLICA_URL", ""):
    DATABASES["replica"] = DATABASES["default"] | env.db_url("REPLICA_URL", engine="django.db.backends.postgresql")
    DATABASES["replica"]["OPTIONS"] = {
        "connect_timeout": 2, "options": "-c statement_timeout=5000 -c default_transaction_read_only=on"
    }  # fmt: skip
    DATABASES["replica"]["TEST"] = {"MIRROR": "default"}
REDIS_URL = env.str("REDIS_URL")
CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}

# --- Sessions, cookies, browser security -----------------------------------------------------------------------
# Cookies ignore the port, so their names carry it: two copies on one machine must not log each other out.
SESSION_ENGINE = "core.sessions"
SESSION_COOKIE_NAME = f"paya_session_{PORT}"
CSRF_COOKIE_NAME = f"paya_csrf_{PORT}"
SESSION_COOKIE_AGE = 7 * 24 * 3600
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
CSRF_COOKIE_SAMESITE = "Lax"
CSRF_FAILURE_VIEW = "core.views.csrf_failure"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = PRODUCTION
SECURE_SSL_REDIRECT = PRODUCTION
SECURE_REDIRECT_EXEMPT = [r"^healthz$", r"^readyz$"]
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if PRODUCTION else None
SECURE_HSTS_SECONDS = 63072000 if PRODUCTION else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = PRODUCTION
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
# How many proxies stand in front and may be believed about X-Forwarded-For (0: nobody is).
TRUSTED_PROXIES = env.int("PAYA_TRUSTED_PROXIES", 0)
DATA_UPLOAD_MAX_MEMORY_SIZE = 256 * 1024
FILE_UPLOAD_HANDLERS = ["core.uploads.Capped"]
DATA_UPLOAD_MAX_NUMBER_FILES = 1

# Plaid's hosted page is where the "link a bank" form ends up, and Chromium applies form-action to redirects too.
PLAID_LINK_ORIGINS = env.list("PAYA_PLAID_LINK_ORIGINS", default=[SANDBOX_URL or "https://secure.plaid.com"])
# Where the same attestations are found elsewhere, for the person's browser to compare them.
MIRRORS = env.list("PAYA_ATTESTATION_MIRRORS", default=[])
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": ["'none'"],
        "script-src": ["'self'"],
        "style-src": ["'self'"],
        "img-src": ["'self'", "data:"],
        "font-src": ["'self'"],
        "manifest-src": ["'self'"],
        "connect-src": ["'self'", LIVE_URL, *sorted({"/".join(url.split("/")[:3]) for url in MIRRORS})],
        "form-action": ["'self'", *PLAID_LINK_ORIGINS],
        "base-uri": ["'none'"],
        "frame-ancestors": ["'none'"],
    }
}

# --- Static files -----------------------------------------------------------------------------------------------
STATIC_URL = "/static/"
STATICFILES_DIRS = [BASE_DIR / "static"]
STATIC_ROOT = env.str("PAYA_STATIC_ROOT", str(BASE_DIR / "var" / "static"))
WHITENOISE_USE_FINDERS = not PRODUCTION
WHITENOISE_AUTOREFRESH = DEBUG
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"
        if PRODUCTION
        else "django.contrib.staticfiles.storage.StaticFilesStorage"
    },
}

# --- API --------------------------------------------------------------------------------------------------------
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["users.authentication.BearerAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": ["core.api.IsPerson"],
    "DEFAULT_RENDERER_CLASSES": ["core.api.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["core.api.StrictJSONParser"],
    "EXCEPTION_HANDLER": "core.api.problem_handler",
    "DEFAULT_SCHEMA_CLASS": "core.schema.Schema",
    "UNAUTHENTICATED_USER": None,
}
SPECTACULAR_SETTINGS = {
    "TITLE": "PaYa API",
    "VERSION": "1.0.0",
    "DESCRIPTION": "Amounts are integer cents in USD; times are ISO 8601 UTC; errors are RFC 9457 problem documents.",
    "SERVE_INCLUDE_SCHEMA": False,
    "SCHEMA_PATH_PREFIX": r"/v1",
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "POSTPROCESSING_HOOKS": ["drf_spectacular.hooks.postprocess_schema_enums", "core.schema.add_problems"],
    "COMPONENT_SPLIT_REQUEST": True,
    "ENUM_NAME_OVERRIDES": {
        "BankTransferStatusEnum": "banking.api.TRANSFER_STATUSES", "RewardStatusEnum": "rewards.api.STATUSES",
        "ServiceStateEnum": "transparency.api.SERVICE_STATES", "DocumentKindEnum": "compliance.api.tiers.DOCUMENT_KINDS",
        "DisputeKindEnum": "compliance.models.Dispute.Kind", "TicketStatusEnum": "compliance.models.Ticket.Status",
    },
}
JWT_ACCESS_SECONDS = 15 * 60
JWT_REFRESH_SECONDS = 7 * 24 * 3600

# --- People -----------------------------------------------------------------------------------------------------
# Whom we serve, by ISO 3166: phones of these regions, and accounts opened from addresses in these countries (empty: from
# anywhere). An address without a country (a private one, say) counts as one of them where everybody sits behind one, and not in
# production.
# For how long a device counts as new in the score of a movement; never in the sandbox, where every device is.
NEW_DEVICE_HOURS = env.int("PAYA_NEW_DEVICE_HOURS", 0 if SANDBOX else 24)
ALLOWED_REGIONS = env.list("PAYA_ALLOWED_REGIONS", default=["US"])
PHONE_REGIONS = env.list("PAYA_PHONE_REGIONS", default=ALLOWED_REGIONS)
ADDRESS_REGIONS = env.list("PAYA_ADDRESS_REGIONS", default=ALLOWED_REGIONS)
ADDRESS_UNKNOWN_PASSES = env.bool("PAYA_ADDRESS_UNKNOWN_PASSES", not PRODUCTION)
# Caps per phone hold everywhere; those per number block and address are raised in the sandbox, where everybody
# sits behind one address and uses neighbouring numbers.
OTP_PER_PHONE_DAY = env.int("PAYA_OTP_PER_PHONE_DAY", 10)
OTP_PER_BLOCK_DAY = env.int("PAYA_OTP_PER_BLOCK_DAY", 100_000 if SANDBOX else 50)
OTP_PER_ADDRESS_HOUR = env.int("PAYA_OTP_PER_ADDRESS_HOUR", 100_000 if SANDBOX else 20)
# Over everybody: the most text messages of a day, and a stop when enough were sent within the hour and too few of
# their codes were used (somebody is pumping them). Both as good as off in the sandbox.
OTP_PER_DAY = env.int("PAYA_OTP_PER_DAY", 1_000_000 if SANDBOX else 5_000)
OTP_UNUSED_MIN_SENT = env.int("PAYA_OTP_UNUSED_MIN_SENT", 1_000_000 if SANDBOX else 100)
OTP_USED_PERCENT = env.int("PAYA_OTP_USED_PERCENT", 20)
# How much of what everybody shares (per address, per day, unused) there is for codes that are asked for from abroad.
OTP_PERCENT_ABROAD = env.int("PAYA_OTP_PERCENT_ABROAD", 25)
OTP_RESEND_SECONDS = env.int("PAYA_OTP_RESEND_SECONDS", 2 if SANDBOX else 30)
# Where somebody writes to who cannot log in any more, having closed their account: an e-mail address. Empty: nobody is told one.
SUPPORT_ADDRESS = env.str("PAYA_SUPPORT_ADDRESS", "support@paya.test" if SANDBOX else "")
# Requests a minute: of one person, of one address where nobody is logged in, and of one address to the webhooks.
RATE_PER_PERSON = env.int("PAYA_RATE_PER_PERSON", 100)
RATE_PER_ADDRESS = env.int("PAYA_RATE_PER_ADDRESS", 100_000 if SANDBOX else 100)
RATE_PER_VENDOR = env.int("PAYA_RATE_PER_VENDOR", 100_000 if SANDBOX else 3_000)

# --- Vendors ----------------------------------------------------------------------------------------------------
PLAID_BASE_URL = env.str("PLAID_BASE_URL", "https://production.plaid.com")
PLAID_CLIENT_ID = env.str("PLAID_CLIENT_ID", "")
PLAID_SECRET = env.str("PLAID_SECRET", "")
# Where a bank's own site sends a person back to. Exactly as registered in Plaid's dashboard, https, and without a query. For
# visits to Plaid's hosted page Plaid itself goes on there; our /banks/oauth can, too. Apps have an address of their own.
PLAID_REDIRECT_URI = env.str(
    "PLAID_REDIRECT_URI", PUBLIC_URL + "/banks/oauth" if SANDBOX else "https://hosted.plaid.com/oauth/redirect"
)
PLAID_APP_REDIRECT_URI = env.str("PLAID_APP_REDIRECT_URI", "")
# From which scores on (0 to 100) a bank's account holder is the person: of the legal name, and of the phone. Both have to fit.
IDENTITY_NAME_SCORE = env.int("PAYA_IDENTITY_NAME_SCORE", 80)
IDENTITY_PHONE_SCORE = env.int("PAYA_IDENTITY_PHONE_SCORE", 80)
# How long a worker waits for a bank to say what is in an account, before a load asks for it anyway.
PLAID_BALANCE_SECONDS = env.float("PLAID_BALANCE_SECONDS", 5.0)
DWOLLA_BASE_URL = env.str("DWOLLA_BASE_URL", "https://api.dwolla.com")
DWOLLA_KEY = env.str("DWOLLA_KEY", "")
DWOLLA_SECRET = env.str("DWOLLA_SECRET", "")
DWOLLA_WEBHOOK_SECRET = env.str("DWOLLA_WEBHOOK_SECRET", "")
# The other provider of bank transfers. Several webhook secrets (comma between them) while one is being rolled out; the
# FinancialAccount is needed only where Stripe shows more than one.
STRIPE_BASE_URL = env.str("STRIPE_BASE_URL", "https://api.stripe.com")
STRIPE_SECRET_KEY = env.str("STRIPE_SECRET_KEY", "")
STRIPE_WEBHOOK_SECRETS = env.list("STRIPE_WEBHOOK_SECRETS", default=[])
STRIPE_FINANCIAL_ACCOUNT = env.str("STRIPE_FINANCIAL_ACCOUNT", "")
# Direct NACHA files through a bank of ours (docs/rails.md): the third rail, set up by naming the drop, which is a folder
# or s3://bucket/prefix, and the bank's routing number. Fees in cents, cut-offs in Eastern time, as agreed with the bank.
ODFI_DROP = env.str("PAYA_ODFI_DROP", "")
ODFI_S3_ENDPOINT = env.str("PAYA_ODFI_S3_ENDPOINT", "")
ODFI_ROUTING = env.str("PAYA_ODFI_ROUTING", "091000019" if SANDBOX else "")
ODFI_DESTINATION = env.str("PAYA_ODFI_DESTINATION", ODFI_ROUTING)
ODFI_DESTINATION_NAME = env.str("PAYA_ODFI_DESTINATION_NAME", "Sandbox Bank" if SANDBOX else "")
ODFI_ORIGIN = env.str("PAYA_ODFI_ORIGIN", "1123456789" if SANDBOX else "")
ODFI_ORIGIN_NAME = env.str("PAYA_ODFI_ORIGIN_NAME", "PaYa")
ODFI_COMPANY_NAME = env.str("PAYA_ODFI_COMPANY_NAME", "PaYa")
ODFI_COMPANY_ID = env.str("PAYA_ODFI_COMPANY_ID", "1123456789" if SANDBOX else "")
ODFI_FEE_FILE = env.int("PAYA_ODFI_FEE_FILE", 500)
ODFI_FEE_BATCH = env.int("PAYA_ODFI_FEE_BATCH", 300)
ODFI_FEE_ENTRY = env.int("PAYA_ODFI_FEE_ENTRY", 12)
ODFI_FEE_SAME_DAY = env.int("PAYA_ODFI_FEE_SAME_DAY", 60)
ODFI_CUTOFF = env.str("PAYA_ODFI_CUTOFF", "19:00")
ODFI_SAME_DAY_EARLIER_MINUTES = env.int("PAYA_ODFI_SAME_DAY_EARLIER_MINUTES", 60)
# How long before a cut-off a file is written: late, so that it holds as many entries as it can. In the sandbox somebody waits.
ODFI_LEAD_MINUTES = env.int("PAYA_ODFI_LEAD_MINUTES", 7 * 24 * 60 if SANDBOX else 20)
ODFI_ACKNOWLEDGED_WITHIN_HOURS = env.int("PAYA_ODFI_ACKNOWLEDGED_WITHIN_HOURS", 6)
TWILIO_BASE_URL = env.str("TWILIO_BASE_URL", "https://api.twilio.com")
TWILIO_ACCOUNT_SID = env.str("TWILIO_ACCOUNT_SID", "")
TWILIO_AUTH_TOKEN = env.str("TWILIO_AUTH_TOKEN", "")
TWILIO_FROM = env.str("TWILIO_FROM", "")
# Text messages go through SNS while Twilio is down, where it is set up (by PAYA_SNS=1, or by its address).
SNS_ENDPOINT = env.str("PAYA_SNS_ENDPOINT", env.str("AWS_ENDPOINT_URL_SNS", ""))
SNS = env.bool("PAYA_SNS", bool(SNS_ENDPOINT))
SNS_MAX_PRICE = env.str("PAYA_SNS_MAX_PRICE", "0.10")  # dollars per message
SNS_ORIGINATION_NUMBER = env.str("PAYA_SNS_ORIGINATION_NUMBER", "")
# Attestations (docs/proofs.md). The name that signs; trees of the last days, which must be one folder for web and worker and is
# nobody else's to read; and where signed texts are published besides the site: a folder that can be pushed anywhere (empty:
# none), and s3://bucket/prefix, a bucket with Object Lock. `MIRRORS` are addresses under which browsers find the same texts
# elsewhere, to compare.
DATA = Path(env.str("PAYA_DATA", str(BASE_DIR / "var")))
ATTESTATION_ORIGIN = env.str("PAYA_ATTESTATION_ORIGIN", "paya.example")
PROOFS_FOLDER = env.str("PAYA_PROOFS_FOLDER", str(DATA / "proofs"))
ATTESTATION_FOLDER = env.str("PAYA_ATTESTATION_FOLDER", str(DATA / "attestations"))
ATTESTATION_S3 = env.str("PAYA_ATTESTATION_S3", "")
ATTESTATION_S3_ENDPOINT = env.str("PAYA_ATTESTATION_S3_ENDPOINT", "")
ATTESTATION_S3_KEEP_DAYS = env.int("PAYA_ATTESTATION_S3_KEEP_DAYS", 3650)
ATTESTATION_MIRRORS = MIRRORS
# Where the head of the staff's trail is put every so many seconds: a folder that another machine collects, a locked bucket.
TRAIL_FOLDER = env.str("PAYA_TRAIL_FOLDER", str(DATA / "trail"))
TRAIL_S3 = env.str("PAYA_TRAIL_S3", "")
TRAIL_ANCHOR_SECONDS = env.int("PAYA_TRAIL_ANCHOR_SECONDS", 60 if SANDBOX else 600)
ATTESTATION_DEADLINE = env.str("PAYA_ATTESTATION_DEADLINE", "01:00")  # UTC: until when a day's attestation is promised
# Identity documents (docs/compliance.md), sealed wherever they lie: a folder that is nobody else's to read, or a bucket
# (s3://bucket/prefix), where KMS encrypts them a second time, by this key or the bucket's own. Those that were not accepted
# are removed after so many days.
DOCUMENTS_FOLDER = env.str("PAYA_DOCUMENTS_FOLDER", str(DATA / "documents"))
DOCUMENTS_S3 = env.str("PAYA_DOCUMENTS_S3", "")
DOCUMENTS_S3_ENDPOINT = env.str("PAYA_DOCUMENTS_S3_ENDPOINT", "")
DOCUMENTS_KMS_KEY = env.str("PAYA_DOCUMENTS_KMS_KEY", "")
DOCUMENTS_KEEP_REFUSED_DAYS = env.int("PAYA_DOCUMENTS_KEEP_REFUSED_DAYS", 30)
# Where raw events go for analysis, each optional: a Firehose stream, a bucket (docs/statistics.md). Ids only, no personal data.
EVENTS_FIREHOSE = env.str("PAYA_EVENTS_FIREHOSE", "")
EVENTS_BUCKET = env.str("PAYA_EVENTS_BUCKET", "")
EVENTS_PREFIX = env.str("PAYA_EVENTS_PREFIX", "events")
EVENTS_ENDPOINT = env.str("PAYA_EVENTS_ENDPOINT", "")
# Who may ask for /metrics: whoever sends this as a bearer token. Without one there is no such address.
METRICS_TOKEN = env.str("PAYA_METRICS_TOKEN", "")
# Where copies of people's data lie for a day (docs/privacy.md): a folder that web and worker share, or s3://bucket/prefix.
EXPORTS_FOLDER = env.str("PAYA_EXPORTS_FOLDER", str(DATA / "exports"))
EXPORTS_S3 = env.str("PAYA_EXPORTS_S3", "")
EXPORTS_S3_ENDPOINT = env.str("PAYA_EXPORTS_S3_ENDPOINT", "")
VENDOR_TIMEOUT_SECONDS = env.float("PAYA_VENDOR_TIMEOUT", 10.0)

# --- Background work --------------------------------------------------------------------------------------------
CELERY_BROKER_URL = REDIS_URL
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
# Celery would hang up on the database before and after each task, and a new connection costs more than most tasks;
# paya/celery.py lets go of broken ones.
CELERY_DB_REUSE_MAX = 2**31
CELERY_BROKER_TRANSPORT_OPTIONS = {"visibility_timeout": 3600}
CELERY_TIMEZONE = "UTC"
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
# Beat only wakes these up; each sweeps rows that carry their own state, so running twice or late is harmless.
CELERY_BEAT_SCHEDULE: dict[str, dict[str, Any]] = {
    "sms-sweep": {"task": "users.tasks.sweep_sms", "schedule": 5.0},
    "sms-late": {"task": "users.tasks.send_late_sms", "schedule": 2.0},
    "users-prune": {"task": "users.tasks.prune", "schedule": 24 * 3600.0},
    "bank-transfers-sweep": {"task": "banking.tasks.sweep_transfers", "schedule": 5.0},
    "bank-decisions-sweep": {"task": "banking.tasks.sweep_decisions", "schedule": 5.0},
    "return-rates-watch": {"task": "banking.tasks.watch_return_rates", "schedule": 3600.0},
    "journal-seal": {"task": "ledger.tasks.seal_journal", "schedule": 20.0},
    "statistics": {"task": "transparency.tasks.compute_statistics", "schedule": 60.0},
    "events-export": {"task": "transparency.tasks.export_events", "schedule": 30.0},
    "health-sample": {"task": "transparency.tasks.sample_health", "schedule": 60.0},
    "rewards": {"task": "rewards.tasks.advance", "schedule": 60.0},
    "rewards-estimate": {"task": "rewards.tasks.estimate", "schedule": 600.0},
    "reserve-watch": {"task": "transparency.tasks.watch_reserve", "schedule": 60.0},
    "bank-inbox-sweep": {"task": "banking.tasks.sweep_inbox", "schedule": 5.0},
    "nacha-write": {"task": "banking.tasks.write_files", "schedule": 20.0},
    "nacha-collect": {"task": "banking.tasks.collect_from_bank", "schedule": 10.0 if SANDBOX else 300.0},
    "reconciliation": {"task": "banking.tasks.reconcile_daily", "schedule": 3600.0},
    "reconciliation-wishes": {"task": "banking.tasks.reconcile_wished", "schedule": 5.0},
    "bank-news-catch-up": {"task": "banking.tasks.catch_up", "schedule": 300.0},
    "banks-sweep": {"task": "banking.tasks.sweep_banks", "schedule": 5.0},
    "vendors-probe": {"task": "core.tasks.probe_vendors", "schedule": 15.0},
    "attestation": {"task": "transparency.tasks.attest_daily", "schedule": 60.0},
    "attestation-wishes": {"task": "transparency.tasks.carry_out_wishes", "schedule": 5.0},
    "flags": {"task": "compliance.tasks.look_at_movements", "schedule": 5.0},
    "sanctions": {"task": "compliance.tasks.screen_names", "schedule": 5.0},
    "sanctions-legal-names": {"task": "banking.tasks.screen_legal_names", "schedule": 5.0},
    "held-transfers": {"task": "banking.tasks.sweep_held", "schedule": 600.0},
    "held-payments": {"task": "payments.tasks.sweep_held", "schedule": 600.0},
    "documents": {"task": "compliance.tasks.sweep_documents", "schedule": 3600.0},
    "trail-anchor": {"task": "console.tasks.anchor_trail", "schedule": 30.0},
    "late": {"task": "console.tasks.say_what_is_late", "schedule": 3600.0},
    "privacy-sweep": {"task": "privacy.tasks.sweep", "schedule": 5.0},
    "retention": {"task": "privacy.tasks.prune", "schedule": 3600.0},
    "idempotency-partitions": {"task": "core.tasks.rotate_idempotency", "schedule": 3600.0},
}
# A message that nobody took in time is thrown away, so that a worker that was away does not find a heap of the same. A minute
# at least: while everything is slow, each of them still has its turn.
for _entry in CELERY_BEAT_SCHEDULE.values():
    _entry["options"] = {"expire_seconds": max(60, int(_entry["schedule"]))}
# Which task goes where; the processes that take from the queues are in paya/local/stack.py. Somebody waits for a code: codes have
# a process of their own, and nothing else is ever put there, for a vendor that hangs holds up whatever stands behind it; while
# that process is down, a sweep sends what it leaves. The other worker takes from its two queues in turn, so that a rail's backlog
# does not stand before the sweeps.
# Asking the rails again about what has settled is endless and in no hurry: it has a queue, too, or a load that somebody waits for
# would stand behind thousands of questions for longer than its message keeps.
CELERY_TASK_QUEUES: dict[str, dict[str, str]] = {"codes": {}, "sweeps": {}, "celery": {}, "polls": {}}
CELERY_TASK_ROUTES = {_entry["task"]: {"queue": "sweeps"} for _entry in CELERY_BEAT_SCHEDULE.values()} | {
    **{task: {"queue": "codes"} for task in ("users.tasks.send_sms", "users.tasks.sweep_sms")},
    "banking.tasks.refresh_transfer": {"queue": "polls"},
    # A week of a million people takes its minute: no sweep shall stand behind it.
    **{task: {"queue": "polls"} for task in ("rewards.tasks.advance", "rewards.tasks.estimate")},
    # So does comparing everybody with another list.
    **{task: {"queue": "polls"} for task in ("compliance.tasks.screen_names", "banking.tasks.screen_legal_names")},
    # So does removing what is older than its time, and so do copies of people's data.
    **{task: {"queue": "polls"} for task in ("privacy.tasks.prune", "privacy.tasks.make_export")},
    # So does an attestation of as many.
    **{task: {"queue": "polls"} for task in ("transparency.tasks.attest_daily", "transparency.tasks.carry_out_wishes")},
}

# --- The staff's site -------------------------------------------------------------------------------------------
# What is different in its process. No cookie, session, address, login or grant is shared with the public site.
UNFOLD = console.theme.UNFOLD
STAFF_ABSOLUTE_SECONDS = env.int("PAYA_STAFF_ABSOLUTE_SECONDS", 8 * 3600)
HELD_LATE_HOURS = env.int("PAYA_HELD_LATE_HOURS", 24)  # a held movement that waits longer is an alarm (console/late.py)
STAFF_FRESH_SECONDS = env.int("PAYA_STAFF_FRESH_SECONDS", 300)  # for how long a code is fresh enough to move money
STAFF_SITE = {
    "ROOT_URLCONF": "paya.urls_staff",
    "AUTHENTICATION_BACKENDS": ["console.auth.StaffBackend"],
    "SESSION_ENGINE": "console.sessions",
    "SESSION_COOKIE_NAME": f"paya_staff_{PORT}",
    "SESSION_COOKIE_PATH": "/admin",
    # Whoever does nothing for so long is out, and so is everybody after STAFF_ABSOLUTE_SECONDS (console/middleware.py).
    "SESSION_COOKIE_AGE": env.int("PAYA_STAFF_IDLE_SECONDS", 15 * 60),
    "SESSION_SAVE_EVERY_REQUEST": True,
    "SESSION_COOKIE_SAMESITE": "Strict",
    "SESSION_EXPIRE_AT_BROWSER_CLOSE": True,
    "CSRF_COOKIE_NAME": f"paya_staff_csrf_{PORT}",
    "CSRF_COOKIE_PATH": "/admin",
    "CSRF_COOKIE_SAMESITE": "Strict",
    "CSRF_FAILURE_VIEW": "django.views.csrf.csrf_failure",
    "CSRF_TRUSTED_ORIGINS": [STAFF_URL] if STAFF_URL else [],
    "MESSAGE_STORAGE": "django.contrib.messages.storage.session.SessionStorage",
    "LOGIN_URL": "/admin/login/",
    "LOGIN_REDIRECT_URL": "/admin/",  # where a log-in leads that names no page of this site
    "MIDDLEWARE": [
        "core.middleware.RequestId",
        "core.middleware.KnownHost",
        "django.middleware.security.SecurityMiddleware",
        "csp.middleware.CSPMiddleware",
        "core.middleware.GZipPages",
        "whitenoise.middleware.WhiteNoiseMiddleware",
        "django.contrib.sessions.middleware.SessionMiddleware",
        "django.middleware.csrf.CsrfViewMiddleware",
        "django.contrib.auth.middleware.AuthenticationMiddleware",
        "console.middleware.CleanQueries",
        "console.middleware.StaffActor",
        "django_otp.middleware.OTPMiddleware",
        "django.contrib.messages.middleware.MessageMiddleware",
        "django.middleware.clickjacking.XFrameOptionsMiddleware",
    ],
    "TEMPLATES": [
        {
            "BACKEND": "django.template.backends.django.DjangoTemplates",
            "APP_DIRS": True,
            "OPTIONS": {
                "context_processors": [
                    "django.template.context_processors.request",
                    "django.contrib.auth.context_processors.auth",
                    "django.contrib.messages.context_processors.messages",
                ]
            },
        }
    ],
    # The theme's Alpine evaluates expressions in attributes and sets inline styles; everything comes from here.
    "CONTENT_SECURITY_POLICY": {
        "DIRECTIVES": {
            "default-src": ["'none'"],
            "script-src": ["'self'", "'unsafe-eval'"],
            "style-src": ["'self'", "'unsafe-inline'"],
            "img-src": ["'self'", "data:"],
            "font-src": ["'self'"],
            "connect-src": ["'self'"],
            "form-action": ["'self'"],
            "base-uri": ["'none'"],
            "frame-ancestors": ["'none'"],
        }
    },
}
if SITE == "staff":
    globals().update(STAFF_SITE)
    # A heavy look-up of staff must not hold up the network's database.
    DATABASES["default"]["OPTIONS"]["options"] += " -c statement_timeout=15000"
    # Each thread looks at its connection first: after a restart of PostgreSQL staff, who ask seldom, would find an error page.
    DATABASES["default"]["CONN_HEALTH_CHECKS"] = True

LOGGING_CONFIG = None
from core.logs import configure as _configure_logs  # noqa: E402

_configure_logs(level=env.str("PAYA_LOG_LEVEL", "INFO"))
