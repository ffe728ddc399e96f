"""How Stripe signs a webhook when it sends it."""

import hashlib
import hmac
import time

from sandbox.stripe.models import StripeEndpoint


def signature(endpoint_uid: str, body: bytes) -> str:
    """`t=...,v1=...`: the time of sending, and one signature for each secret of the endpoint that is in force."""
    endpoint = StripeEndpoint.objects.filter(uid=endpoint_uid).first()
    moment = int(time.time())
    signed = f"{moment}.".encode() + body
    codes = [hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest() for secret in endpoint.secrets] if endpoint else []
    return ",".join([f"t={moment}", *(f"v1={code}" for code in codes)])
