from celery import shared_task

from users import services


@shared_task
def send_sms(challenge_id: int) -> None:
    """Send the SMS of this challenge if it is still due."""
    services.send_code(challenge_id=challenge_id)


@shared_task
def sweep_sms() -> None:
    """Send what is due and was not woken up; give up what is over."""
    services.sweep_codes()


@shared_task
def prune() -> None:
    """Put away sessions, tokens and devices that are over."""
    services.prune()
