"""Which room says what a live event means to a person."""

from banking.pages import LIVE_KINDS
from banking.pages import words as bank_words
from payments.pages import words as payment_words
from wallets.consumers import register_words

register_words(["payment_received", "payment_denied", "payment_cancelled"], payment_words)
register_words(LIVE_KINDS, bank_words)
