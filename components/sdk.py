"""Settings of the SDK and the interpreter before the first resource: they halve the time of a large preview.

It also takes a tenth off the state.
"""

import gc
import os
import sys
from pathlib import Path
from traceback import FrameSummary
from types import FrameType

import pulumi.log
from pulumi.runtime import resource, resource_cycle_breaker
from pulumi.runtime.proto import source_pb2

#: Set to anything, it keeps the SDK's debug messages (for `pulumi up --debug` and --logtostderr -v=9).
KEEP_DEBUG = "OPENSTACK_PAAS_SDK_DEBUG"


def _own_frames() -> None:
    """A resource's stack trace in the state is that of this program alone.

    The SDK adds the frames of the interpreter and of itself, with the paths of whoever ran it last: they take more room
    than the rest of a small resource, and nobody uses them. It also reads the source of each.
    """
    if not hasattr(resource, "_get_stack_trace") or not hasattr(resource, "_get_source_position_for_frame"):
        return
    program = f"{Path(__file__).resolve().parent.parent}{os.sep}"

    def own() -> source_pb2.StackTrace:
        frame: FrameType | None = sys._getframe(1)
        # Resource, CustomResource or ComponentResource, and the class itself: the SDK counts them in the same way.
        constructors = 0
        while frame is not None and constructors < 3:
            constructors += frame.f_code.co_name == "__init__"
            frame = frame.f_back
        frames = []
        while frame is not None and frame.f_code.co_filename.startswith(program):
            code = frame.f_code
            summary = FrameSummary(code.co_filename, frame.f_lineno, code.co_name, lookup_line=False)
            frames.append(source_pb2.StackFrame(pc=resource._get_source_position_for_frame(summary)))
            frame = frame.f_back
        return source_pb2.StackTrace(frames=frames)

    resource._get_stack_trace = own


def _long_chains() -> None:
    """A chain of dependencies may be as long as there are machines (components/role.py).

    The SDK looks for cycles by a recursion as deep as the chain, which Python ends after some 980 machines. Here it is
    a loop, and it is skipped while nothing depends on the resource, because then no path can lead to it.
    """
    breaker = resource_cycle_breaker
    if not all(hasattr(breaker, name) for name in ("_add_dep", "_deps", "_reachable")):
        return
    add, depended_on = breaker._add_dep, set[pulumi.Resource]()

    def remember(from_resource: pulumi.Resource, to_resource: pulumi.Resource) -> None:
        depended_on.add(to_resource)
        add(from_resource, to_resource)

    def reachable(from_resource: pulumi.Resource, to_resource: pulumi.Resource) -> bool:
        if from_resource is to_resource or to_resource not in depended_on:
            return from_resource is to_resource
        ahead, visited = [from_resource], set[pulumi.Resource]()
        while ahead:
            found = ahead.pop()
            if found is to_resource:
                return True
            if found not in visited:
                visited.add(found)
                ahead.extend(breaker._deps(found))
        return False

    breaker._add_dep, breaker._reachable = remember, reachable


def prepare() -> None:
    """Call it once, before anything is imported that is heavy.

    The SDK sends some three debug messages a resource, and each is a call that blocks the program until the engine has
    answered, shown or not: a quarter of a preview of 200 machines. And nearly everything that a program makes lives to
    its end, so that the collector's frequent passes over all of it find nothing: another quarter.
    """
    if not os.environ.get(KEEP_DEBUG):
        pulumi.log.debug = lambda *_, **__: None
    _own_frames()
    _long_chains()
    gc.set_threshold(50_000, 20, 100)
