"""How the machines are reached by SSH."""

from __future__ import annotations

from dataclasses import dataclass

import pulumi
from pulumi_command import remote

#: Attempts to reach SSH: with the provider's back-off some 60 s without the dials themselves.
DIAL_ERROR_LIMIT = 20
#: Seconds for one connection to a gateway; a packet lost while a VIP moves must not hold a step up for long.
DIAL_TIMEOUT = 10


@dataclass(frozen=True)
class Access:
    """How machines are reached: as whom, with which key, and through which gateway address (host and its key)."""

    user: str
    private_key: pulumi.Output[str]
    proxy_address: pulumi.Input[str] = ""
    proxy_host_key: pulumi.Input[str] = ""

    def connection(self, host: pulumi.Input[str], host_key: pulumi.Input[str]) -> remote.ConnectionArgs:
        """Connection to `host`, whose key is verified, through the proxy where there is one."""
        common = {
            "user": self.user,
            "private_key": self.private_key,
            "dial_error_limit": DIAL_ERROR_LIMIT,
            "per_dial_timeout": DIAL_TIMEOUT,
        }
        proxy = None
        if self.proxy_address:
            proxy = remote.ProxyConnectionArgs(host=self.proxy_address, host_key=self.proxy_host_key, **common)
        return remote.ConnectionArgs(host=host, host_key=host_key, proxy=proxy, **common)
