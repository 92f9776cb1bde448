"""The desired state as dataclasses: what is refused, where that is, and that no message has a value."""

import json
from dataclasses import dataclass, field
from typing import Any, Literal

import pytest

from agent import desired
from agent.desired import Invalid

SECRET = "made-up-secret"


@dataclass(frozen=True)
class Port:
    number: int
    name: str = ""

    def __post_init__(self) -> None:
        if self.number > 65535:
            raise ValueError("a port ends at 65535")


@dataclass(frozen=True)
class Key:
    name: str
    pem: str = field(repr=False)


@dataclass(frozen=True)
class State:
    name: str
    ports: tuple[Port, ...]
    enabled: bool = False
    share: float = 0.5
    mode: Literal["kept", "lose", 1] = "kept"
    key: Key | None = None
    tokens: tuple[str, ...] = field(default=(), repr=False)


@dataclass(frozen=True)
class Unloadable:
    names: dict[str, str]


@dataclass(frozen=True)
class Either:
    one: str | int


WHOLE: dict[str, Any] = {"name": "a", "ports": [{"number": 80}]}


def load(**others: Any) -> State:
    return desired.load(State, json.dumps(WHOLE | others))


def test_everything_is_loaded() -> None:
    state = load(
        ports=[{"number": 80, "name": "http"}],
        enabled=True,
        share=1,
        mode="lose",
        key={"name": "ca", "pem": SECRET},
        tokens=[SECRET],
    )
    assert state == State("a", (Port(80, "http"),), True, 1.0, "lose", Key("ca", SECRET), (SECRET,))
    assert type(state.share) is float
    assert load() == State("a", (Port(80),))
    assert load(key=None).key is None


def test_bytes_are_loaded() -> None:
    assert desired.load(Port, b'{"number": 1}') == Port(1)


@pytest.mark.parametrize(
    ("others", "said"),
    [
        ({"nam": SECRET}, "the desired state: unknown key nam"),
        ({"name": 1}, "the desired state.name: expected text, got a whole number"),
        ({"name": None}, "the desired state.name: expected text, got null"),
        ({"enabled": 1}, "the desired state.enabled: expected true or false, got a whole number"),
        ({"share": True}, "the desired state.share: expected a number, got true or false"),
        ({"share": SECRET}, "the desired state.share: expected a number, got text"),
        ({"mode": SECRET}, "the desired state.mode: expected one of kept, lose, 1, got text that is none"),
        ({"mode": True}, "the desired state.mode: expected one of kept, lose, 1, got true or false that is none"),
        ({"ports": {}}, "the desired state.ports: expected a list, got an object"),
        ({"ports": ["x"]}, "the desired state.ports[0]: expected an object (Port), got text"),
        ({"ports": [{"number": 1}, {}]}, "the desired state.ports[1]: number is missing"),
        (
            {"ports": [{"number": True}]},
            "the desired state.ports[0].number: expected a whole number, got true or false",
        ),
        ({"ports": [{"number": 1.0}]}, "the desired state.ports[0].number: expected a whole number, got a number"),
        ({"ports": [{"number": 65536}]}, "the desired state.ports[0]: a port ends at 65535"),
        ({"key": {"name": "ca", "pem": [SECRET]}}, "the desired state.key.pem: expected text, got a list"),
        ({"key": {}}, "the desired state.key: name, pem are missing"),
    ],
)
def test_what_is_refused(others: dict[str, Any], said: str) -> None:
    with pytest.raises(Invalid) as refused:
        load(**others)
    assert str(refused.value) == said
    assert SECRET not in said


@pytest.mark.parametrize("text", ["", "{", '{"name": "a"', b"\xff", "[]"])
def test_a_state_that_was_cut_off(text: "str | bytes") -> None:
    with pytest.raises(Invalid, match=r"not JSON.*cut off|expected an object"):
        desired.load(State, text)


@pytest.mark.parametrize(("kind", "found"), [(Unloadable, {"names": {}}), (Either, {"one": "a"})])
def test_a_dataclass_that_cannot_be_loaded(kind: type, found: dict[str, Any]) -> None:
    with pytest.raises(TypeError):
        desired.load(kind, json.dumps(found))


def test_secrets_are_known_and_not_shown() -> None:
    state = load(key={"name": "ca", "pem": SECRET}, tokens=["one", "", "two"])
    assert sorted(desired.secrets(state)) == [SECRET, "one", "two"]
    assert SECRET not in repr(state)
    assert "one" not in repr(state)


def test_all_of_a_secret_part_is_secret() -> None:
    @dataclass(frozen=True)
    class Whole:
        key: Key = field(repr=False)

    assert list(desired.secrets(Whole(Key("ca", SECRET)))) == ["ca", SECRET]
