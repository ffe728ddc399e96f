"""Which room says what a live event means to a person."""

from payments.pages import words as payment_words
from wallets.consumers import register_words

register_words(["payment_received"], payment_words)
