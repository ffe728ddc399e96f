# Never imported: each `ruleid:` line is what a rule must find.
import ssl

import requests
from celery import shared_task
from django.utils.html import format_html
from django.utils.safestring import mark_safe
from django.views.decorators.csrf import csrf_exempt


def note(row):
    # ruleid: text-marked-as-safe
    a = mark_safe(row.note)
    # ruleid: text-marked-as-safe
    b = format_html(f"<b>{row.note}</b>")
    # ok: text-marked-as-safe
    c = mark_safe("<br>")
    # ok: text-marked-as-safe
    return a, b, c, format_html("<b>{}</b>", row.note)


# ruleid: form-without-its-token
@csrf_exempt
def pay(request): ...


# ok: form-without-its-token
def redeem(request): ...


def tell(log, person):
    # ruleid: personal-data-in-a-log
    log.info("logged in", extra={"user": person.id, "phone": person.phone})
    # ok: personal-data-in-a-log
    log.info("logged in", extra={"user": person.id})


# ruleid: personal-data-in-a-task
@shared_task
def send_sms(phone, text): ...


# ok: personal-data-in-a-task
@shared_task
def send_due(challenge_id): ...


def fetch(url):
    # ruleid: certificate-not-looked-at
    requests.get(url, timeout=5, verify=False)
    # ruleid: certificate-not-looked-at
    ssl._create_unverified_context()
    # ok: certificate-not-looked-at
    requests.get(url, timeout=5)
