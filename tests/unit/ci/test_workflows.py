"""The workflow files: GitHub's by actionlint, GitLab's by its structure, both by rules that we set ourselves."""

import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

PROJECT = Path(__file__).parents[3]
WORKFLOWS = sorted((PROJECT / ".github" / "workflows").glob("*.yml"))
FILES = [*WORKFLOWS, *sorted((PROJECT / ".github" / "actions").glob("*/action.yml"))]
GITLAB = PROJECT / ".gitlab" / "openstack-paas.yml"
#: Keys of GitLab's file that are not jobs.
NO_JOBS = {"stages", "variables", "include", "default", "workflow"}


def load(path: Path) -> dict[str, Any]:
    """A workflow file."""
    document: dict[str, Any] = yaml.safe_load(path.read_text())
    return document


def scripts(value: Any) -> list[str]:
    """Every shell text of a workflow file."""
    if isinstance(value, dict):
        own = [value["run"]] if isinstance(value.get("run"), str) else []
        own += [line for key in ("script", "before_script") for line in value.get(key, [])]
        return own + [text for inner in value.values() for text in scripts(inner)]
    return [text for inner in value for text in scripts(inner)] if isinstance(value, list) else []


@pytest.mark.system
def test_actionlint() -> None:
    """Syntax, expressions, contexts, and shellcheck over every `run`."""
    cache = Path(os.environ.get("OPENSTACK_PAAS_CACHE", "~/.cache/openstack-paas")).expanduser() / "tests"
    cache.mkdir(parents=True, exist_ok=True)
    program = cache / "actionlint"
    build = ["go", "build", "-mod=readonly", "-o", program, "github.com/rhysd/actionlint/cmd/actionlint"]
    subprocess.run(build, cwd=PROJECT / "dev/scripts" / "actionlint", check=True, timeout=500)
    checker = shutil.which("shellcheck")
    assert checker
    command = [program, "-shellcheck", checker, *WORKFLOWS]
    done = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_actions_are_pinned_by_commit(path: Path) -> None:
    """A tag can be moved to another commit, a commit cannot; the version stands beside it."""
    used = re.findall(r"uses: *(.+)", path.read_text())
    assert used
    pinned = re.compile(r"\./\S+|[\w-]+/[\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+")
    assert [use for use in used if not pinned.fullmatch(use)] == []


@pytest.mark.parametrize("path", [*FILES, GITLAB], ids=lambda path: f"{path.parent.name}/{path.name}")
def test_only_our_own_tests_need_make_and_dev(path: Path) -> None:
    """What previews, deploys and looks for drift needs what a user has: the official CLI and `pulumi install`."""
    text = "\n".join(scripts(load(path)))
    assert (path.name == "ci.yml") == bool(re.search(r"\bmake |(?<![\w/])dev/", text))
    assert ("pulumi install" in text) == (path in (GITLAB, FILES[-1]))


def test_an_action_is_one_commit_everywhere() -> None:
    """And so is a version: two commits for one would be a mistake in one of them."""
    used = {use for path in FILES for use in re.findall(r"uses: *(\S+@.+)", path.read_text())}
    names = [use.partition("@")[0] for use in used]
    assert sorted(names) == sorted(set(names))


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_least_rights_and_time_limits(path: Path) -> None:
    """Rights are named, none of them writes by default, and no job runs for ever."""
    document = load(path)
    assert set(document["permissions"].values()) == {"read"}
    for name, job in document["jobs"].items():
        assert "uses" in job or job["timeout-minutes"] <= 120, name
        written = {right for right, level in job.get("permissions", {}).items() if level == "write"}
        assert written <= {"pull-requests", "issues"}, name


@pytest.mark.parametrize("path", [*FILES, GITLAB], ids=lambda path: f"{path.parent.name}/{path.name}")
def test_shell_holds_no_expressions_and_the_scripts_are_there(path: Path) -> None:
    """An expression in a shell text could run what somebody wrote into a title; secrets go by the environment."""
    texts = scripts(load(path))
    assert path.name == "deploy.yml" or texts
    for text in texts:
        assert "${{" not in text
        for script in re.findall(r"(?:dev/scripts|ops/pipeline)/[a-z-]+\.sh", text):
            assert os.access(PROJECT / script, os.R_OK), script


def test_deployments_of_a_stack_wait_for_each_other() -> None:
    """A deployment and the drift check of the same stack share a group, and nothing is broken off."""
    assert load(PROJECT / ".github/workflows/up.yml")["concurrency"] == {
        "group": "stack-${{ inputs.stack }}",
        "cancel-in-progress": False,
    }
    drift = load(PROJECT / ".github/workflows/drift.yml")["jobs"]["drift"]
    assert drift["concurrency"] == {"group": "stack-${{ matrix.stack }}", "cancel-in-progress": False}
    jobs = load(GITLAB)
    assert jobs[".up"]["resource_group"] == jobs["drift"]["resource_group"] == "stack-$STACK"


def test_production_waits_for_development_and_for_people() -> None:
    deploy = load(PROJECT / ".github/workflows/deploy.yml")["jobs"]
    assert deploy["prod"]["needs"] == "dev"
    assert load(PROJECT / ".github/workflows/up.yml")["jobs"]["up"]["environment"] == "${{ inputs.stack }}"
    prod = load(GITLAB)["up-prod"]
    assert prod["needs"] == ["up-dev"]
    assert prod["rules"][0]["when"] == "manual"


def test_productions_preview_waits_for_people() -> None:
    """A pull request changes the program as well: production's credentials wait until people have looked.

    Drift checks run main's program, in environments of their own: nobody lets them in every morning.
    """
    jobs = load(PROJECT / ".github/workflows/preview.yml")["jobs"]
    production = [
        stack
        for stack in jobs["preview"]["strategy"]["matrix"]["stack"]
        if load(PROJECT / f"Pulumi.{stack}.yaml")["config"].get("openstack-paas:preset", "production") == "production"
    ]
    assert production == ["prod"]
    assert jobs["preview"]["environment"] == "preview-${{ matrix.stack }}"
    assert jobs["preview"]["needs"] == "guard"
    assert "environment" not in jobs["guard"], "it asks, and has no secrets"
    (command,) = scripts(jobs["guard"])
    assert command.split() == ["ops/pipeline/require-reviewers.sh", *(f"preview-{stack}" for stack in production)]
    drift = load(PROJECT / ".github/workflows/drift.yml")
    assert drift["jobs"]["drift"]["environment"] == "drift-${{ matrix.stack }}"
    assert not {"pull_request", "pull_request_target"} & set(drift[True]), "`on` is a truth value in YAML"
    gitlab = load(GITLAB)
    for stack in production:
        job = gitlab[f"preview-{stack}"]
        assert job["environment"] == f"preview-{stack}"
        assert [rule["when"] for rule in job["rules"]] == ["manual"]


def test_the_structure_of_gitlabs_file() -> None:
    """Stages, parents and needs are there; every job ends in time and says when it runs."""
    document = load(GITLAB)
    jobs = {name: job for name, job in document.items() if name not in NO_JOBS}
    for name, job in jobs.items():
        parents = job.get("extends", [])
        chain = [job, *(jobs[parent] for parent in ([parents] if isinstance(parents, str) else parents))]
        chain += [jobs[part["extends"]] for part in chain[1:] if "extends" in part]
        assert set(job.get("needs", [])) <= jobs.keys(), name
        if not name.startswith("."):
            assert any(part.get("stage") in document["stages"] for part in chain), name
            assert any("script" in part for part in chain), name
            assert any("timeout" in part for part in chain), name
            assert any("rules" in part for part in chain), name


def test_every_stack_of_the_workflows_has_its_file() -> None:
    preview = load(PROJECT / ".github/workflows/preview.yml")["jobs"]["preview"]["strategy"]["matrix"]["stack"]
    drift = load(PROJECT / ".github/workflows/drift.yml")["jobs"]["drift"]["strategy"]["matrix"]["stack"]
    gitlab = load(GITLAB)[".stacks"]["parallel"]["matrix"][0]["STACK"]
    assert preview == drift == gitlab
    assert load(GITLAB)["comment"]["needs"] == [f"preview-{stack}" for stack in preview]
    assert all((PROJECT / f"Pulumi.{stack}.yaml").is_file() for stack in preview)
