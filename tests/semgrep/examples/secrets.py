# Never imported: each `ruleid:` line is what a rule must find.
import hmac


def compare(given, expected, settings, request, message, key):
    # ruleid: secret-compared-with-equals
    if request.headers["X"] == settings.METRICS_SECRET:
        return True
    # ruleid: secret-compared-with-equals
    if given.signature != expected:
        return False
    # ok: secret-compared-with-equals
    if settings.METRICS_SECRET == "":
        return False
    # ok: secret-compared-with-equals
    return hmac.compare_digest(given.signature, expected)


def signed(given, message, key):
    # ruleid: signature-compared-with-equals
    return hmac.new(key, message, "sha256").hexdigest() == given


def signed_later(given, message, key):
    # ruleid: signature-compared-with-equals
    mac = hmac.new(key, message, "sha256").digest()
    return mac == given


def signed_well(given, message, key):
    # ok: signature-compared-with-equals
    mac = hmac.new(key, message, "sha256").digest()
    return hmac.compare_digest(mac, given)
