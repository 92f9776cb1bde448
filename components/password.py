"""A password: the user's own from the stack's secrets, or one made here and kept in the state as a secret."""

import base64
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import pulumi
import pulumi_tls as tls
from pulumi import ResourceOptions

#: Characters of a made password: 24 of base 64 hold 144 bits.
LENGTH = 24
#: Rounds of a revision: some 50 ms.
REVISION_ROUNDS = 100_000


def from_key(private_key_pem: str, epoch: str = "") -> str:
    """A password of letters, digits, `-` and `_` from the entropy of a private key; each epoch has another one.

    No password reveals anything of the key, so none of another epoch either.
    """
    digest = hashlib.sha256(f"{private_key_pem}{epoch}".encode()).digest()
    return base64.urlsafe_b64encode(digest).decode()[:LENGTH]


def revision(passwords: Sequence[str], place: str) -> str:
    """A text that differs for other passwords. It reveals nothing of them, and trying weak ones against it is slow.

    `place` names where they are used, so that the same passwords have another text elsewhere.
    """
    together = "\0".join(passwords).encode()
    return hashlib.pbkdf2_hmac("sha256", together, place.encode(), REVISION_ROUNDS, dklen=8).hex()


@dataclass(frozen=True)
class PasswordArgs:
    """The user's own password, if any, and the epoch of a made one."""

    given: pulumi.Output[str] | None
    epoch: str


class Password(pulumi.ComponentResource):
    """`given` if it is set, else a random one. Its randomness is a private key of pulumi-tls: no further plugin."""

    text: pulumi.Output[str]

    def __init__(self, name: str, args: PasswordArgs, opts: ResourceOptions | None = None) -> None:
        super().__init__("openstack-paas:secrets:Password", name, None, opts)
        given = args.given
        if given is None:
            key = tls.PrivateKey(name, algorithm="ED25519", opts=ResourceOptions(parent=self))
            given = key.private_key_pem.apply(lambda pem: from_key(pem, args.epoch))
        self.text = pulumi.Output.secret(given)
        self.register_outputs({})
