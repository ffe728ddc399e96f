"""The product's settings with one address more: the endpoint that does nothing."""

from paya.settings import *  # noqa: F403

ROOT_URLCONF = "bench.urls"
