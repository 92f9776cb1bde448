"""Certificates of openssl: their names, their issuer, and when they are renewed."""

import hashlib
from collections.abc import Iterator
from datetime import datetime, timezone
from pathlib import Path

import pytest

from agent.machine import Failed
from agent.programs import NOT_FOUND, TIMED_OUT, Ended
from agent.system import certificates
from agent.system.certificates import digests, issuer_first, refuse_skipped_stage, renewal_reason, split
from tests.unit.agent import openssl
from tests.unit.agent.fake_machine import FakeMachine

DAY = 86400


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("made")
    for name in ("first", "second"):
        openssl.authority(folder, name)
    openssl.leaf(folder, "served", "first", days=10)
    return folder


@pytest.fixture
def machine(tmp_path: Path) -> Iterator[FakeMachine]:
    fake = FakeMachine(tmp_path)
    fake.real("openssl")
    fake.clock.began = datetime.now(timezone.utc)  # noqa: UP017
    yield fake
    assert list(fake.path("/run").glob("*")) == []


def pem(made: Path, *names: str) -> str:
    return "".join((made / f"{name}.crt").read_text() for name in names)


def test_digests_are_the_shells(made: Path) -> None:
    """The lines between the two markers, without their ends. Machines have them in etcd and on nodes."""
    body = "".join(line for line in pem(made, "first").splitlines() if "-----" not in line)
    one = hashlib.sha256(body.encode()).hexdigest()[:12]
    assert digests(pem(made, "first")) == (one,)
    assert digests(pem(made, "second", "first"))[1] == one
    fixed = "-----BEGIN CERTIFICATE-----\nQUJD\nREVG\n-----END CERTIFICATE-----\n"
    assert digests(fixed) == (hashlib.sha256(b"QUJDREVG").hexdigest()[:12],) == ("115656f56cb0",)


def test_split_leaves_out_what_is_no_certificate(made: Path) -> None:
    key = (made / "served.key").read_text()
    text = f"a comment\n{pem(made, 'first')}{key}{pem(made, 'second').strip()}"
    assert split(text) == (pem(made, "first"), pem(made, "second"))
    assert split(key) == split("") == ()
    assert digests(text) == digests(pem(made, "first", "second"))


def test_the_issuer_comes_first(machine: FakeMachine, made: Path) -> None:
    one, two = digests(pem(made, "first", "second"))
    for names in (("first", "second"), ("second", "first")):
        bundle = machine.root / "ca.crt"
        bundle.write_text(pem(made, *names))
        assert issuer_first(machine, made / "served.crt", bundle) == (one, two)


def test_an_authority_that_was_made_again_with_its_key(machine: FakeMachine, made: Path, tmp_path: Path) -> None:
    """Both issued it. The shell forgot the one of them that came first."""
    again = tmp_path / "again.crt"
    signed_by = ("-signkey", made / "first.key")
    machine.must("openssl", "x509", "-in", made / "first.crt", *signed_by, "-days", "40", "-out", again)
    bundle = machine.root / "ca.crt"
    bundle.write_text(pem(made, "first") + again.read_text())
    assert issuer_first(machine, made / "served.crt", bundle) == digests(bundle.read_text())


def test_no_authority_issued_it(machine: FakeMachine, made: Path) -> None:
    with pytest.raises(Failed, match=r"no authority in .*second.crt issued .*served.crt"):
        issuer_first(machine, made / "served.crt", made / "second.crt")
    with pytest.raises(Failed, match=r"nothing\.crt is not there"):
        issuer_first(machine, made / "nothing.crt", made / "second.crt")


@pytest.mark.parametrize("status", [1, NOT_FOUND, TIMED_OUT])
def test_an_openssl_that_does_not_answer_has_not_said_no(machine: FakeMachine, made: Path, status: int) -> None:
    machine.answer("openssl verify", Ended(status, errors="broken"))
    with pytest.raises(Failed, match="does not say anything about a certificate: broken"):
        issuer_first(machine, made / "served.crt", made / "first.crt")
    with pytest.raises(Failed, match="does not say anything"):
        renewal_reason(machine, made / "served.crt", pem(made, "first"), DAY, "2")
    machine.answer("openssl x509", Ended(TIMED_OUT, errors="slow"))
    with pytest.raises(Failed, match="slow"):
        renewal_reason(machine, made / "served.crt", pem(made, "first"), DAY, "2")


def test_a_stage_that_is_skipped() -> None:
    for now, wanted in (
        (("1",), ("1",)),
        (("1",), ("1", "2")),
        (("1", "2"), ("2", "1")),
        (("2", "1"), ("2",)),
    ):
        refuse_skipped_stage(now, wanted, "2")
    with pytest.raises(Failed, match="does not yet trust the authorities of generation 2, which are to issue"):
        refuse_skipped_stage(("1",), ("2", "1"), "2")
    with pytest.raises(Failed, match=r"no longer be trusted: .* only changes certificates.authorities.issuing"):
        refuse_skipped_stage(("1", "2"), ("2",), "2")


def test_when_a_certificate_is_renewed(machine: FakeMachine, made: Path) -> None:
    def reason(*authorities: str, name: str = "served") -> str:
        return renewal_reason(machine, made / f"{name}.crt", pem(made, *authorities), 5 * DAY, "2")

    assert reason("first", "second") == ""
    assert reason("first") == ""
    assert reason("second", "first") == "was issued by other authorities than generation 2"
    assert reason("first", name="nothing") == "is not there"
    machine.clock.seconds = 4.9 * DAY
    assert reason("first") == ""
    machine.clock.seconds = 5.1 * DAY
    assert reason("first").startswith("ends on ") and reason("first").endswith(" GMT")
    # One that has ended is no other case.
    machine.clock.seconds = 11 * DAY
    assert reason("first").startswith("ends on ")


@pytest.mark.parametrize(
    ("content", "reason"),
    [("", "is not there"), ("\n", "is not there"), ("\0" * 4096, "is not there"), ("half of", "is not a certificate")],
)
def test_a_file_that_a_power_cut_left(machine: FakeMachine, made: Path, content: str, reason: str) -> None:
    """The hole: the kubelet's client certificate that is empty is made again by the next `up`."""
    file = machine.root / "kubelet-client-current.pem"
    file.write_text(content)
    assert renewal_reason(machine, file, pem(made, "first"), DAY, "2") == reason


def test_a_certificate_with_its_key_in_one_file(machine: FakeMachine, made: Path) -> None:
    file = machine.root / "kubelet-client-current.pem"
    file.write_text(pem(made, "served") + (made / "served.key").read_text())
    assert renewal_reason(machine, file, pem(made, "first"), DAY, "2") == ""


def test_no_authority_to_compare_with(machine: FakeMachine, made: Path) -> None:
    with pytest.raises(Failed, match="no authority of generation 2"):
        renewal_reason(machine, made / "served.crt", "", DAY, "2")
    assert certificates.split("") == ()
