"""What the SDK and the interpreter are told before the first resource: it halves the time of a large preview."""

from __future__ import annotations

import gc
import os

import pulumi.log

#: Set to anything, it keeps the SDK's debug messages (for `pulumi up --debug` and --logtostderr -v=9).
KEEP_DEBUG = "OPENSTACK_PAAS_SDK_DEBUG"


def _silent(*_: object, **__: object) -> None:
    """Says nothing."""


def prepare() -> None:
    """Call it once, before anything is imported that is heavy.

    The SDK sends some three debug messages a resource, and each is a call that blocks the program until the engine has
    answered, shown or not: a quarter of a preview of 200 machines. And nearly everything that a program makes lives to
    its end, so that the collector's frequent passes over all of it find nothing: another quarter.
    """
    if not os.environ.get(KEEP_DEBUG):
        pulumi.log.debug = _silent
    gc.set_threshold(50_000, 20, 100)
