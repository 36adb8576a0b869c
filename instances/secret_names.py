"""Which configuration entries hold something to hide, by their names, and what stands in its place."""

import re

MASK = "********"
# Entry names; the platform types some secrets as plain text, so types do not suffice.
SECRET_NAME = re.compile(
    r"passw|passphrase|passcode|pwd|(?:^|[._-])(?:pass|pin|otp)(?:$|[._-])|secret|token|credential"
    r"|authori[sz]|signature|private|bearer|jwt|assertion|session|oauth\.code"
    r"|(?:api|access|account|auth|client|consumer|encryption|license|master|security|shared|signing"
    r"|storage)[^a-z]?key|callback\.headers|cert|pfx|p12|keystore",
    re.IGNORECASE,
)
PUBLIC_NAME = re.compile(r"pagination\.", re.IGNORECASE)


def is_secret_name(name: str) -> bool:
    """Tell whether an entry or parameter of this name holds something to hide."""
    return not PUBLIC_NAME.match(name) and SECRET_NAME.search(name) is not None
