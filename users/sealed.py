"""The encrypted columns of this room, as they are bound: for sealing, for opening, and for key rotation."""

from core import keyring

PHONE = "users_user.phone"
CHALLENGE_PHONE = "users_challenge.phone"
CHALLENGE_CODE = "users_challenge.code"
# The class of system data that codes and the phones of people who are not in yet belong to.
OTP = "otp"

keyring.register(
    keyring.Column("users_user", "phone_cipher", PHONE, owner="id"),
    keyring.Column("users_challenge", "phone_cipher", CHALLENGE_PHONE, system=OTP),
    keyring.Column("users_challenge", "code_cipher", CHALLENGE_CODE, system=OTP),
)
