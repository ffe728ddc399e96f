from datetime import timedelta

from celery import shared_task

from users import services

# A message that nobody took by then is thrown away: sweeps have sent others meanwhile, and they must not heap up.
WAKE_AGAIN = 20  # seconds
LATE = timedelta(seconds=2)


@shared_task
def send_sms(challenge_id: int) -> None:
    """Send the SMS of this challenge if it is still due."""
    services.send_code(challenge_id=challenge_id)


@shared_task
def sweep_sms() -> None:
    """Wake what is due and was not woken up; give up what is over."""
    for challenge_id in services.sweep_codes():
        send_sms.apply_async([challenge_id], expires=WAKE_AGAIN)


@shared_task
def send_late_sms() -> None:
    """Send what the process for codes has left because it is down: any other worker does it itself."""
    for challenge_id in services.sweep_codes(waiting=LATE):
        services.send_code(challenge_id=challenge_id)


@shared_task
def prune() -> None:
    """Put away sessions, tokens and devices that are over."""
    services.prune()
