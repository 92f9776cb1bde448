"""`paas init` as a program: in a terminal, without one, interrupted, with an engine and without."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from ops.init.stack_file import NAMESPACE, read
from tests.unit.ops.init_samples import answered
from tests.unit.ops.terminal import CTRL_C, CTRL_D, Terminal

PROJECT = Path(__file__).resolve().parents[3]
#: The program, with the tests' cloud in place of one that would have to be asked.
PROGRAM = """
import sys
from ops.__main__ import main
from ops.init import cli
from tests.unit.ops.init_samples import CLOUD
cli._ask_cloud = lambda name: CLOUD
sys.exit(main(["init", *sys.argv[1:]]))
"""
NETWORK, IMAGE = "Which network leads outside?", "Which image"
FLAVORS = tuple(f"{role} machine?" for role in ("gateway", "etcd", "control-plane", "worker"))
SSH = "From which addresses may SSH come in?"


class Place:
    """A folder with the project in it, and an engine that records what it is told."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "program"
        self.engine = folder / "engine"
        self.folder.mkdir()
        self.engine.mkdir()
        (self.folder / "Pulumi.yaml").write_text("name: openstack-paas\n")
        program = self.engine / "pulumi"
        program.write_bytes((PROJECT / "tests/unit/fake_pulumi.py").read_bytes())
        program.chmod(0o755)
        self.environment = {
            **{key: value for key, value in os.environ.items() if not key.startswith(("OS_", "PULUMI"))},
            "PATH": f"{self.engine}:/usr/bin:/bin",
            "PYTHONPATH": str(PROJECT),
            "FAKE_PULUMI": str(self.engine),
            "PULUMI_CONFIG_PASSPHRASE": "x",
            "OS_CLOUD": "sample",
            "TERM": "xterm",
        }

    def run(self, *words: str) -> subprocess.CompletedProcess[str]:
        """The program without a terminal."""
        return subprocess.run(
            [sys.executable, "-c", PROGRAM, *words],
            cwd=self.folder,
            env=self.environment,
            capture_output=True,
            stdin=subprocess.DEVNULL,
            text=True,
            timeout=60,
            check=False,
        )

    def terminal(self, *words: str) -> Terminal:
        """The program in a terminal."""
        return Terminal([sys.executable, "-c", PROGRAM, *words], self.folder, self.environment)

    def files(self) -> list[str]:
        """What is in the folder beside Pulumi.yaml, hidden files too."""
        return sorted(path.name for path in self.folder.iterdir() if path.name != "Pulumi.yaml")

    def written(self, stack: str = "trial") -> Any:
        """The plain keys and the rest of a stack's file."""
        return read((self.folder / f"Pulumi.{stack}.yaml").read_text())

    def calls(self) -> list[dict[str, Any]]:
        """What the engine was told."""
        log = self.engine / "calls.jsonl"
        return [json.loads(line) for line in log.read_text().splitlines()] if log.exists() else []


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


def test_answers_are_typed_in_a_terminal(place: Place) -> None:
    terminal = place.terminal("trial")
    terminal.expect("What is the platform for?")
    terminal.expect("[dev]")
    terminal.type("3")
    terminal.expect(NETWORK)
    terminal.type("internett")
    terminal.expect("internett: is not an external network that this project sees; did you mean internet?")
    terminal.type("internet")
    terminal.expect(IMAGE)
    terminal.type("")
    for flavor in FLAVORS:
        terminal.expect(flavor)
        terminal.type("large" if "worker" in flavor else "")
    terminal.expect("How many workers")
    terminal.type("4")
    terminal.expect(SSH)
    terminal.type("0.0.0.0/0")
    terminal.expect("say anywhere if that is what you want")
    terminal.type("198.51.100.0/24")
    terminal.expect("Which version of Kubernetes?")
    terminal.type("")
    terminal.expect("availability zones")
    terminal.type("")
    terminal.expect("paas doctor --stack trial")
    assert terminal.status() == 0
    expected = answered(
        preset="production", external="internet", worker_flavor="large", workers="4", ssh_from="198.51.100.0/24"
    )
    plain, kept = place.written()
    assert plain == expected
    assert kept.keyring == {"encryptionsalt": "v1:new-salt"}
    assert place.files() == ["Pulumi.trial.yaml"]


def test_flags_are_not_asked(place: Place) -> None:
    terminal = place.terminal("trial", "--preset", "dev", "--external", "public", "--image", "debian-11")
    terminal.expect(FLAVORS[0])
    assert NETWORK not in terminal.shown
    terminal.press(CTRL_D)
    assert terminal.status() == 2
    assert "the input ended: nothing was written" in terminal.shown
    assert place.files() == []


def test_wrong_answers_come_to_an_end(place: Place) -> None:
    terminal = place.terminal("trial")
    for _ in range(5):
        terminal.expect("[dev]")
        terminal.type("nonsense")
    assert terminal.status() == 2
    assert "5 wrong answers: nothing was written; --preset gives the answer as well" in terminal.shown
    assert place.files() == []


def test_an_interrupted_conversation_leaves_nothing(place: Place) -> None:
    terminal = place.terminal("trial")
    terminal.expect("[dev]")
    terminal.type("")
    terminal.expect(NETWORK)
    terminal.press(CTRL_C)
    assert terminal.status() == 130
    assert "interrupted: nothing was written" in terminal.shown
    assert place.files() == []
    assert {" ".join(call["words"][:1]) for call in place.calls()} == {"whoami"}


@pytest.mark.parametrize("hangs", ["stack select", "config set"])
def test_an_interrupted_engine_leaves_no_half_file(place: Place, hangs: str) -> None:
    (place.engine / "hangs").write_text(hangs)
    terminal = place.terminal("trial", "--defaults")
    terminal.until(lambda: any(" ".join(call["words"][:2]) == hangs for call in place.calls()))
    terminal.press(CTRL_C)
    assert terminal.status() == 130
    (place.engine / "hangs").unlink()
    assert set(place.files()) <= {"Pulumi.trial.yaml"}
    if place.files():
        assert (place.folder / "Pulumi.trial.yaml").read_text() == "encryptionsalt: v1:new-salt\n"
    # Once more, and all is well: the file that Pulumi made is as good as none.
    assert place.run("trial", "--defaults").returncode == 0
    assert place.written()[0] == answered()


def test_without_a_terminal_every_missing_flag_is_named(place: Place) -> None:
    done = place.run("trial", "--preset", "dev")
    assert done.returncode == 2
    assert "10 of the answers are missing or wrong" in done.stderr
    assert done.stdout == ""
    assert place.files() == []


def test_without_a_terminal_by_defaults(place: Place) -> None:
    done = place.run("trial", "--defaults", "--workers", "5")
    assert done.returncode == 0, done.stderr
    assert place.written()[0] == answered(workers="5")
    assert done.stdout.splitlines()[1] == "Written: Pulumi.trial.yaml (dev, 8 machines)"


def test_secrets_go_over_standard_input_and_nowhere_else(place: Place) -> None:
    done = place.run("trial", "--defaults")
    made = [call for call in place.calls() if call["words"][:2] == ["config", "set"]]
    assert [call["words"][2:4] for call in made] == [
        ["--secret", f"{NAMESPACE}:databaseRootPassword"],
        ["--secret", f"{NAMESPACE}:databaseReplicationPassword"],
    ]
    passwords = {call["input"] for call in made}
    assert len(passwords) == 2
    everything = done.stdout + done.stderr + (place.folder / "Pulumi.trial.yaml").read_text()
    everything += "".join(" ".join(call["words"]) for call in place.calls())
    for password in passwords:
        assert len(password) == 24
        assert password not in everything
    assert place.written()[1].config[f"{NAMESPACE}:databaseRootPassword"] == {"secure": "v1:cipher-24"}


def test_an_existing_file_is_not_written_over(place: Place) -> None:
    file = place.folder / "Pulumi.trial.yaml"
    file.write_text("config:\n  openstack-paas:preset: production\n")
    done = place.run("trial", "--defaults")
    assert done.returncode == 2
    assert "Pulumi.trial.yaml exists already: edit it, or overwrite it with --force" in done.stderr
    assert file.read_text() == "config:\n  openstack-paas:preset: production\n"


def test_force_keeps_secrets_and_what_is_not_ours(place: Place) -> None:
    (place.engine / "stacks.json").write_text('{"trial": 90}')
    (place.folder / "Pulumi.trial.yaml").write_text(
        "encryptionsalt: v1:old\nconfig:\n  openstack-paas:preset: production\n  openstack:cloud: mine\n"
        "  openstack-paas:databaseRootPassword:\n    secure: v1:old-cipher\n"
    )
    done = place.run("trial", "--defaults", "--force")
    assert done.returncode == 0, done.stderr
    plain, kept = place.written()
    assert plain == answered()
    assert kept.keyring == {"encryptionsalt": "v1:old"}
    # The stack exists: a password made now would not be the database's.
    assert kept.config == {
        "openstack:cloud": "mine",
        f"{NAMESPACE}:databaseRootPassword": {"secure": "v1:old-cipher"},
    }
    assert "trial exists already: the database keeps the passwords that it has." in done.stdout


def test_a_secret_inside_a_section_is_not_lost(place: Place) -> None:
    file = place.folder / "Pulumi.trial.yaml"
    file.write_text("config:\n  openstack-paas:network: {external: {secure: v1:x}}\n")
    done = place.run("trial", "--defaults", "--force")
    assert done.returncode == 2
    assert "has secrets in network" in done.stderr
    assert "secure: v1:x" in file.read_text()


def test_without_an_engine_only_the_file_is_written(place: Place) -> None:
    (place.engine / "pulumi").unlink()
    done = place.run("trial", "--defaults")
    assert done.returncode == 0
    assert "so only the file will be written (pulumi is not on PATH)." in done.stdout
    assert "pulumi stack init trial" in done.stdout
    plain, kept = place.written()
    assert plain == answered()
    assert not kept.config
    assert not kept.keyring


def test_an_engine_that_fails_costs_no_answers(place: Place) -> None:
    (place.engine / "fails").write_text("stack select")
    done = place.run("trial", "--defaults")
    assert done.returncode == 1
    assert "`pulumi stack select` failed: it is broken" in done.stderr
    assert place.written()[0] == answered()


def test_a_missing_passphrase_is_said_before_the_questions(place: Place) -> None:
    del place.environment["PULUMI_CONFIG_PASSPHRASE"]
    terminal = place.terminal("trial")
    assert terminal.status() == 2
    assert "set PULUMI_CONFIG_PASSPHRASE_FILE" in terminal.shown
    assert "What is the platform for?" not in terminal.shown
    assert place.run("trial", "--defaults", "--no-stack").returncode == 0


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (["bad name", "--defaults"], "bad name is not a valid stack name"),
        (["My_Stack", "--defaults"], "clusterName My_Stack: "),
        (["trial", "--defaults", "--preset", "production"], "--ssh-from: is not given and has no default"),
        (["trial", "--defaults", "--workers", "4000"], "network.private"),
    ],
)
def test_refusals(place: Place, words: list[str], text: str) -> None:
    done = place.run(*words)
    assert done.returncode == 2
    assert text in done.stderr
    assert place.files() == []


def test_offline_asks_no_cloud(place: Place) -> None:
    del place.environment["OS_CLOUD"]
    flavors = [word for role in ("gateway", "etcd", "control-plane", "worker") for word in (f"--{role}-flavor", "f")]
    done = place.run("trial", "--defaults", "--offline", "--external", "ext", "--image", "debian-12", *flavors)
    assert done.returncode == 0, done.stderr
    assert place.written()[0]["network"] == {"external": "ext"}


def test_a_cloud_that_is_picked_is_written(place: Place) -> None:
    del place.environment["OS_CLOUD"]
    clouds = place.engine / "clouds.yaml"
    clouds.write_text("clouds: {first: {}, second: {}}\n")
    place.environment["OS_CLIENT_CONFIG_FILE"] = str(clouds)
    refused = place.run("trial", "--defaults")
    assert refused.returncode == 2
    assert "--cloud: is not given; give one of first, second" in refused.stderr
    terminal = place.terminal("trial", "--preset", "dev")
    terminal.expect("Which cloud of clouds.yaml?")
    terminal.type("2")
    terminal.expect(NETWORK)
    terminal.press(CTRL_C)
    assert terminal.status() == 130
    assert place.run("trial", "--defaults", "--cloud", "second").returncode == 0
    assert place.written()[1].config["openstack:cloud"] == "second"
