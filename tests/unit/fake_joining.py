"""Certificates to join with, for tests whose authorities are made up. `REAL` is what makes them otherwise."""

from datetime import datetime

from machines.kubernetes import joining

SECRET = "made-up-secret"
REAL = joining.make_certificate


def make(ca: str, ca_key: str, secret: str, instance: str, hostname: str, began: datetime) -> tuple[str, str]:
    """No tool would accept them."""
    return f"certificate of {joining.USER}{hostname} from {began:%Y-%m-%d}\n", f"{SECRET} key of {hostname}\n"


joining.make_certificate = make
