"""How the SDK is set up before the first resource."""

import gc
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import pulumi
import pytest
from pulumi.runtime import resource, resource_cycle_breaker

from components import sdk


@pytest.fixture(autouse=True)
def prepared(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Prepared, and afterwards as before."""
    monkeypatch.setattr(resource, "_get_stack_trace", resource._get_stack_trace)
    monkeypatch.setattr(pulumi.log, "debug", pulumi.log.debug)
    for name in ("_add_dep", "_reachable"):
        monkeypatch.setattr(resource_cycle_breaker, name, getattr(resource_cycle_breaker, name))
    kept = gc.get_threshold()
    yield
    gc.set_threshold(*kept)


class _Resource:
    def __init__(self) -> None:
        self.trace = resource._get_stack_trace()


class _CustomResource(_Resource):
    def __init__(self) -> None:
        super().__init__()


class Port(_CustomResource):
    """A resource as the SDK's are made: three constructors."""

    def __init__(self) -> None:
        super().__init__()


def test_a_trace_in_the_state_ends_where_the_program_does() -> None:
    """Frames of the interpreter would bring the paths of whoever ran the program last."""
    program = sdk.Path(sdk.__file__).parent.parent
    names: dict[str, Any] = {"Port": Port}
    for file, source in (
        ("components/machine.py", "\ndef machine(): return Port()"),
        ("__main__.py", "made = machine()"),
    ):
        exec(compile(source, str(program / file), "exec"), names)
    whole = [frame.pc.uri for frame in names["made"].trace.frames]
    sdk.prepare()
    exec(compile("made = machine()", str(program / "__main__.py"), "exec"), names)
    frames = [(frame.pc.uri, frame.pc.line) for frame in names["made"].trace.frames]
    root = program.as_uri()
    # This test is a part of the program, too; pytest is not.
    assert frames[:2] == [(f"{root}/components/machine.py", 2), (f"{root}/__main__.py", 1)]
    assert [uri for uri, _ in frames] == whole[: len(frames)]
    assert not whole[len(frames)].startswith(f"{root}/")


def test_an_sdk_without_traces_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(resource, "_get_stack_trace")
    sdk.prepare()
    assert not hasattr(resource, "_get_stack_trace")


class Step:
    """As much of a resource as the search for cycles looks at."""


def test_thousands_of_machines_may_wait_for_each_other() -> None:
    """Python gives up on the SDK's own search after some 980 of them."""
    sdk.prepare()
    depend: Any = resource_cycle_breaker.declare_dependency
    chain = [Step() for _ in range(1500)]
    for before, after in pairwise(chain):
        assert depend(after, before)
    assert not depend(chain[0], chain[-1]), "a cycle is still found"
    assert not depend(chain[3], chain[3])
    assert depend(Step(), chain[0])
    assert depend(chain[0], Step())


@pytest.mark.parametrize("kept", [True, False])
def test_debug_messages_are_sent_on_request(monkeypatch: pytest.MonkeyPatch, kept: bool) -> None:
    before = pulumi.log.debug
    monkeypatch.setenv(sdk.KEEP_DEBUG, "1") if kept else monkeypatch.delenv(sdk.KEEP_DEBUG, raising=False)
    sdk.prepare()
    assert (pulumi.log.debug is before) is kept
