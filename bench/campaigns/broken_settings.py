"""The product with one endpoint too many: the fuzz campaign's control run, and nothing else, starts with these."""

from paya.settings import *  # noqa: F403

ROOT_URLCONF = "bench.campaigns.broken_urls"
