"""One version of the engine everywhere, and what `toolchain status` says of official programs."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from dev.toolchain.official import UNKNOWN, reported_version
from dev.toolchain.plan import SOURCES
from dev.toolchain.programs import ENGINE, ENGINES, PROGRAMS, Program

PROJECT = SOURCES.parents[1]
#: A program that speaks the engine's protocol, with another version than the pinned one.
SPEAKER = """#!{python}
import sys, time
from concurrent.futures import ThreadPoolExecutor
import grpc
from google.protobuf.empty_pb2 import Empty
from pulumi.runtime.proto.plugin_pb2 import PluginInfo

class Handler(grpc.GenericRpcHandler):
    def service(self, call):
        if call.method != "/pulumirpc.{service}/GetPluginInfo":
            return None
        answer = lambda request, context: PluginInfo(version="{version}")
        return grpc.unary_unary_rpc_method_handler(answer, Empty.FromString, PluginInfo.SerializeToString)

assert len(sys.argv) == 2, "the engine's address"
server = grpc.server(ThreadPoolExecutor(1), handlers=[Handler()])
port = server.add_insecure_port("127.0.0.1:0")
server.start()
print(port, flush=True)
server.wait_for_termination()
"""


def program(kind: str) -> Program:
    """The first of the toolchain's programs of a kind."""
    return next(each for each in PROGRAMS if each.kind == kind)


def script(path: Path, text: str) -> Path:
    """An executable script."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    path.chmod(0o755)
    return path


def speaker(path: Path, service: str, version: str) -> Path:
    """A plugin or language host that says its version."""
    return script(path, SPEAKER.format(python=sys.executable, service=service, version=version))


def test_the_same_engine_is_built_wanted_and_installed_by_the_workflows() -> None:
    project = yaml.safe_load((PROJECT / "Pulumi.yaml").read_text(encoding="utf-8"))
    oldest, next_major = (".".join(map(str, numbers)) for numbers in ENGINES)
    assert project["requiredPulumiVersion"] == f">={oldest} <{next_major}"
    assert oldest == ENGINE == program("engine").version
    assert program("engine").link_flags.endswith(f".Version=v{ENGINE}")
    built = (SOURCES / "engine" / "go.mod").read_text(encoding="utf-8")
    assert f"\tgithub.com/pulumi/pulumi/pkg/v3 v{ENGINE} " in built

    setup = yaml.safe_load((PROJECT / ".github/actions/setup/action.yml").read_text(encoding="utf-8"))
    (installed,) = [step for step in setup["runs"]["steps"] if step.get("uses", "").startswith("pulumi/actions@")]
    assert installed["with"]["pulumi-version"] == ENGINE
    workflows = [*(PROJECT / ".github").rglob("*.y*ml"), *(PROJECT / ".gitlab").rglob("*.y*ml")]
    named = [path for path in workflows if "pulumi-version" in path.read_text(encoding="utf-8")]
    assert [path.name for path in named] == ["action.yml"], "another place would need this check, too"
    gitlab = yaml.safe_load((PROJECT / ".gitlab/openstack-paas.yml").read_text(encoding="utf-8"))
    assert gitlab["variables"]["PULUMI_VERSION"] == ENGINE


def test_an_engine_says_its_version(tmp_path: Path) -> None:
    engine = script(tmp_path / "pulumi", '#!/bin/sh\n[ "$1" = version ] && echo v3.281.0\n')
    assert reported_version(program("engine"), engine) == "3.281.0"
    assert reported_version(program("engine"), script(tmp_path / "odd", "#!/bin/sh\necho dev\n")) == UNKNOWN


@pytest.mark.parametrize(
    ("kind", "service", "said"),
    [("plugin", "ResourceProvider", "5.4.0"), ("language", "LanguageRuntime", "v3.281.0")],
)
def test_plugins_and_the_language_host_are_asked(tmp_path: Path, kind: str, service: str, said: str) -> None:
    executable = speaker(tmp_path / "program", service, said)
    assert reported_version(program(kind), executable) == said.removeprefix("v")


@pytest.mark.parametrize("text", ["#!/bin/sh\nexit 1\n", "#!/bin/sh\necho no port\n", "#!/bin/sh\necho 1\n"])
def test_a_program_that_does_not_answer_has_no_known_version(tmp_path: Path, text: str) -> None:
    assert reported_version(program("plugin"), script(tmp_path / "program", text)) == UNKNOWN


def test_status_prints_what_official_programs_say_and_not_the_pin(tmp_path: Path) -> None:
    official = tmp_path / "official"
    script(official / "pulumi", '#!/bin/sh\n[ "$1" = version ] && echo v3.281.0\n')
    speaker(official / "pulumi-language-python", "LanguageRuntime", "3.280.0")
    for each in PROGRAMS:
        if each.kind == "plugin":
            speaker(official / each.binary, "ResourceProvider", "9.8.7")
    done = subprocess.run(
        [sys.executable, "-m", "dev.toolchain", "status"],
        cwd=PROJECT,
        env={**os.environ, "PATH": f"{official}:/usr/bin:/bin", "OPENSTACK_PAAS_CACHE": str(tmp_path / "cache")},
        text=True,
        capture_output=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    told = {line.split()[0]: line.split()[1] for line in done.stdout.splitlines()}
    plugins = {each.binary: "9.8.7" for each in PROGRAMS if each.kind == "plugin"}
    assert told == {"pulumi": "3.281.0", "pulumi-language-python": "3.280.0", **plugins}
