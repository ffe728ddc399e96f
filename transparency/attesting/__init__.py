"""From the books to a published attestation (docs/proofs.md): freeze, build, check, sign, publish, open.

`freeze` reads all that is owed at one instant, `files` keeps a day's tree on disk, `chain` signs, `channels` are the places of
publication, `secrets` what the keyring seals. `transparency/services.py` puts them in order.
"""
