"""Settings of the sandbox process, all from the environment. Independent of the product's."""

import os
from pathlib import Path
from urllib.parse import urlsplit

from django.core.exceptions import ImproperlyConfigured

if os.environ.get("PAYA_SANDBOX") != "1":
    raise ImproperlyConfigured("The sandbox invents banks and money: it runs only with PAYA_SANDBOX=1.")
if os.environ.get("PAYA_ENV") == "production":
    raise ImproperlyConfigured("The sandbox never runs in production: PAYA_ENV is production.")

HERE = Path(__file__).resolve().parent
DATA = Path(os.environ.get("PAYA_SANDBOX_DATA", "var/sandbox")).resolve()
DATA.mkdir(parents=True, exist_ok=True)

PORT = os.environ.get("PAYA_SANDBOX_PORT", "8002")
SECRET_KEY = os.environ.get("PAYA_SANDBOX_SECRET_KEY", "sandbox-only-not-a-secret")
DEBUG = False
ROOT_URLCONF = "sandbox.urls"
WSGI_APPLICATION = "sandbox.wsgi.application"
INSTALLED_APPS = ["django.contrib.staticfiles", "sandbox"]
MIDDLEWARE = [
    "sandbox.middleware.answer_bad_requests",
    "sandbox.middleware.security_headers",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
]
TEMPLATES = [{
    "BACKEND": "django.template.backends.django.DjangoTemplates",
    "APP_DIRS": True,
    "OPTIONS": {"context_processors": ["django.template.context_processors.request"]},
}]
# Write transactions take the lock at BEGIN, so that two never deadlock on an upgrade. WAL with NORMAL keeps
# every acknowledged commit when the process is killed; only a power cut could lose the last ones.
DATABASES = {"default": {
    "ENGINE": "django.db.backends.sqlite3",
    "NAME": DATA / "sandbox.sqlite3",
    "CONN_MAX_AGE": None,
    "OPTIONS": {
        "timeout": 20,
        "transaction_mode": "IMMEDIATE",
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA foreign_keys=ON;",
    },
}}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
USE_TZ = True
TIME_ZONE = "UTC"
LANGUAGE_CODE = "en-us"
USE_I18N = False
STATIC_URL = "/static/"
WHITENOISE_USE_FINDERS = True  # no collectstatic step: the few files are served from where they are
WHITENOISE_AUTOREFRESH = False
APPEND_SLASH = False
CSRF_COOKIE_NAME = f"paya_sandbox_csrf_{PORT}"  # cookies ignore the port: copies beside each other must not mix
CSRF_COOKIE_HTTPONLY = True
CSRF_FAILURE_VIEW = "sandbox.pages.foreign_form"
DATA_UPLOAD_MAX_MEMORY_SIZE = 1_000_000

PUBLIC_URL = os.environ.get("PAYA_PUBLIC_URL", "http://127.0.0.1:8000").rstrip("/")
SANDBOX_URL = os.environ.get("PAYA_SANDBOX_URL", f"http://127.0.0.1:{PORT}").rstrip("/")
ALLOWED_HOSTS = ["127.0.0.1", "localhost", "[::1]", urlsplit(SANDBOX_URL).hostname or "localhost"]

# Per vendor: the pairs of public and secret half that are accepted.
PLAID_CREDENTIALS = {
    (os.environ.get("PLAID_CLIENT_ID", "sandbox"), os.environ.get("PLAID_SECRET", "sandbox")),
    ("sandbox", "sandbox"),
}
DWOLLA_CREDENTIALS = {(os.environ.get("DWOLLA_KEY", "sandbox"), os.environ.get("DWOLLA_SECRET", "sandbox"))}
TWILIO_CREDENTIALS = {
    (os.environ.get("TWILIO_ACCOUNT_SID", "AC" + "0" * 32), os.environ.get("TWILIO_AUTH_TOKEN", "sandbox")),
}
DWOLLA_WEBHOOK_URL = f"{PUBLIC_URL}/webhooks/dwolla"
DWOLLA_WEBHOOK_SECRET = os.environ.get("DWOLLA_WEBHOOK_SECRET", "")
STRIPE_SECRET_KEY = os.environ.get("STRIPE_SECRET_KEY", "") or "sk_test_sandbox"
STRIPE_WEBHOOK_URL = f"{PUBLIC_URL}/webhooks/stripe"
# Several while a new one is being rolled out; every webhook is then signed with each.
STRIPE_WEBHOOK_SECRETS = [each.strip() for each in os.environ.get("STRIPE_WEBHOOK_SECRETS", "").split(",") if each.strip()]
# Where direct NACHA files are exchanged: a folder that product and sandbox share. Without it there is no such bank.
ODFI_DROP = "" if "://" in os.environ.get("PAYA_ODFI_DROP", "") else os.environ.get("PAYA_ODFI_DROP", "")
ODFI_ROUTING = os.environ.get("PAYA_ODFI_ROUTING", "091000019")

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "handlers": {"console": {"class": "logging.StreamHandler"}},
    "root": {"handlers": ["console"], "level": "WARNING"},
    "loggers": {"django.request": {"level": "ERROR"}},
}
