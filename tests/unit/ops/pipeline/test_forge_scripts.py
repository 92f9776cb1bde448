"""The scripts of a pull request's jobs against a forge on the loopback: comment, gate, approvals, issue, secrets."""

import json
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from ops.pipeline.without_secrets import secret_keys, without_secrets
from ops.preview_comment.comment import MARKER
from tests.forge import BOT, GITHUB_TOKEN, GITLAB_TOKEN, STRANGER, Forge, github_job, gitlab_job, without_forge

PROJECT = Path(__file__).parents[4]
FIXTURES = Path(__file__).parents[1] / "fixtures" / "previews"
Run = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def forge() -> Iterator[Forge]:
    """A forge with nothing on it."""
    made = Forge()
    yield made
    made.close()


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """Runs a script of ops/pipeline/; `python` is the tests' own, and curl writes its arguments down."""
    programs = tmp_path / "bin"
    programs.mkdir()
    curl = programs / "curl"
    curl.write_text(f'#!/bin/sh\necho "$@" >>{tmp_path}/curl.log\nexec {shutil.which("curl")} "$@"\n')
    curl.chmod(0o755)

    def script(environment: dict[str, str], name: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [PROJECT / "ops/pipeline" / name, *arguments],
            env={**environment, "PATH": f"{programs}:{Path(sys.executable).parent}:{environment['PATH']}"},
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    return script


@pytest.fixture(params=["github", "gitlab"])
def job(request: pytest.FixtureRequest, forge: Forge, tmp_path: Path) -> dict[str, str]:
    """The environment of a job that comments, for each forge."""
    return github_job(forge, tmp_path) if request.param == "github" else gitlab_job(forge)


def comment_file(folder: Path, text: str) -> str:
    """A rendered comment; returns its path."""
    file = folder / "comment.md"
    file.write_text(f"{MARKER}\n{text}\n")
    return str(file)


def test_the_first_run_creates_the_second_updates(job: dict[str, str], forge: Forge, run: Run, tmp_path: Path) -> None:
    for text in ('one `"quoted"` $(id)', "two"):
        done = run(job, "comment.sh", comment_file(tmp_path, text))
        assert done.returncode == 0, done.stderr
        assert [comment["body"] for comment in forge.comments] == [f"{MARKER}\n{text}\n"]
    assert len(forge.written()) == 2


def test_our_comment_is_found_among_many_and_nobody_elses_is_touched(
    job: dict[str, str], forge: Forge, run: Run, tmp_path: Path
) -> None:
    """A stranger has copied the marker; ours is on the second page."""
    forge.add_comment(f"{MARKER}\nnot ours", STRANGER)
    for index in range(130):
        forge.add_comment(f"talk {index}", STRANGER)
    ours = forge.add_comment(f"{MARKER}\nours", BOT)
    assert run(job, "comment.sh", comment_file(tmp_path, "new")).returncode == 0
    assert [comment["id"] for comment in forge.comments if comment["body"] == f"{MARKER}\nnew\n"] == [ours]
    assert len(forge.comments) == 132


def test_the_token_is_in_no_argument_and_no_output(job: dict[str, str], run: Run, tmp_path: Path) -> None:
    done = run(job, "comment.sh", comment_file(tmp_path, "text"))
    told = done.stdout + done.stderr + (tmp_path / "curl.log").read_text()
    assert GITHUB_TOKEN not in told
    assert GITLAB_TOKEN not in told


def test_a_refused_request_fails_the_job(job: dict[str, str], forge: Forge, run: Run, tmp_path: Path) -> None:
    wrong = {key: "wrong" if key in ("GITHUB_TOKEN", "GITLAB_TOKEN") else value for key, value in job.items()}
    done = run(wrong, "comment.sh", comment_file(tmp_path, "text"))
    assert done.returncode != 0
    assert "who are you" in done.stderr
    assert not forge.written()


def test_a_fork_gets_the_jobs_summary_and_no_comment(forge: Forge, run: Run, tmp_path: Path) -> None:
    environment = github_job(forge, tmp_path, source="somebody/r")
    done = run(environment, "comment.sh", comment_file(tmp_path, "text"))
    assert done.returncode == 0
    assert "text" in (tmp_path / "summary.md").read_text()
    assert forge.log == []
    without_token = {key: value for key, value in gitlab_job(forge).items() if key != "GITLAB_TOKEN"}
    done = run(without_token, "comment.sh", comment_file(tmp_path, "text"))
    assert done.returncode == 0
    assert "text" in done.stdout
    assert forge.log == []


@pytest.mark.parametrize(("name", "status"), [("nothing-changed", 0), ("etcd-zone-changed", 3), ("wrong-setting", 1)])
def test_the_gate_and_the_comment_that_it_leaves(
    name: str, status: int, forge: Forge, run: Run, tmp_path: Path
) -> None:
    previews = tmp_path / "previews"
    previews.mkdir()
    shutil.copy(FIXTURES / f"{name}.json", previews / "lab.json")
    comment = tmp_path / "comment.md"
    done = run(github_job(forge, tmp_path), "review.sh", str(previews), str(comment))
    assert done.returncode == status, done.stderr
    assert comment.read_text().startswith(MARKER)


def test_an_approval_opens_the_gate_on_both_forges(forge: Forge, run: Run, tmp_path: Path) -> None:
    previews = tmp_path / "previews"
    previews.mkdir()
    shutil.copy(FIXTURES / "etcd-zone-changed.json", previews / "lab.json")
    words = (str(previews), str(tmp_path / "comment.md"))
    text = "Another zone for etcd.\r\n\r\nApprove-Replace: lab-etcd-1\r\n"
    pull_request = github_job(forge, tmp_path, description=text)
    assert run(pull_request, "review.sh", *words).returncode == 0
    assert run(gitlab_job(forge), "review.sh", *words).returncode == 3
    forge.description = text
    assert run(gitlab_job(forge), "review.sh", *words).returncode == 0
    # After the merge the description is asked for by the commit.
    (tmp_path / "event.json").write_text(json.dumps({"before": "0" * 40}))
    push = {**pull_request, "GITHUB_EVENT_NAME": "push", "GITHUB_SHA": "abc"}
    assert run(push, "review.sh", *words).returncode == 0
    merged = {key: value for key, value in gitlab_job(forge).items() if "MERGE_REQUEST" not in key}
    assert run({**merged, "CI_COMMIT_SHA": "abc"}, "review.sh", *words).returncode == 0
    # By name, as a person does it without a forge.
    assert run(without_forge(), "review.sh", *words).returncode == 3
    assert run(without_forge(), "review.sh", *words, "lab-etcd-1").returncode == 0


def test_an_approval_in_a_commits_message(run: Run, tmp_path: Path) -> None:
    """Messages from the base to the head are read, the base's own is not."""
    clone = tmp_path / "clone"
    (clone / "ops/pipeline").mkdir(parents=True)
    for name in ("approvals.sh", "forge.sh"):
        shutil.copy(PROJECT / "ops/pipeline" / name, clone / "ops/pipeline")

    def git(*words: str) -> str:
        identity = ["-c", "user.name=Somebody", "-c", "user.email=somebody@example.org"]
        return subprocess.run(["git", *identity, *words], cwd=clone, check=True, capture_output=True, text=True).stdout

    git("init", "--quiet")
    git("commit", "--quiet", "--allow-empty", "--message", "Old\n\nApprove-Replace: old")
    base = git("rev-parse", "HEAD").strip()
    git("commit", "--quiet", "--allow-empty", "--message", "New\n\nApprove-Replace: new")
    done = run(without_forge(), str(clone / "ops/pipeline" / "approvals.sh"), base)
    assert done.returncode == 0, done.stderr
    assert "Approve-Replace: new" in done.stdout
    assert "Approve-Replace: old" not in done.stdout


def test_drift_is_one_issue_a_stack(forge: Forge, run: Run, tmp_path: Path) -> None:
    environment = github_job(forge, tmp_path)
    for title, text in (("Drift of dev", "one"), ("Drift of dev", "two"), ("Drift of prod", "one")):
        assert run(environment, "issue-github.sh", title, comment_file(tmp_path, text)).returncode == 0
    assert [(issue["title"], issue["body"].split()[-1]) for issue in forge.issues] == [
        ("Drift of dev", "two"),
        ("Drift of prod", "one"),
    ]


REVIEWERS = {"type": "required_reviewers", "reviewers": [{"type": "User"}]}


@pytest.mark.parametrize(
    ("rules", "status", "why"),
    [
        ([{"type": "branch_policy"}, REVIEWERS], 0, ""),
        ([{"type": "branch_policy"}], 1, "has no required reviewers"),
        ([{**REVIEWERS, "reviewers": []}], 1, "has no required reviewers"),
        (None, 1, "cannot find out whether it has required reviewers"),
    ],
)
def test_production_is_previewed_only_with_required_reviewers(
    rules: list[dict[str, Any]] | None, status: int, why: str, forge: Forge, run: Run, tmp_path: Path
) -> None:
    """An environment that is missing or has no reviewers stops the preview before it gets a secret."""
    if rules is not None:
        forge.environments["preview-prod"] = rules
    done = run(github_job(forge, tmp_path), "require-reviewers.sh", "preview-prod")
    assert done.returncode == status, done.stderr
    assert why in done.stderr
    forge.environments["preview-prod"] = [REVIEWERS]
    refused = run({**github_job(forge, tmp_path), "GITHUB_TOKEN": "wrong"}, "require-reviewers.sh", "preview-prod")
    assert refused.returncode == 1, "without an answer from the forge it must fail"


@pytest.mark.parametrize(
    ("clouds", "cloud", "status"),
    [
        ("clouds:\n  dev:\n    auth: {}\n  prod: {}\n", "dev", 0),
        ("clouds:\n  ours:\n    auth:\n      auth_url: x\n", "ours", 0),
        ("clouds:\n  one: {}\n  two: {}\n", "", 1),
        ("", "", 0),
    ],
)
def test_credentials(clouds: str, cloud: str, status: int, run: Run, tmp_path: Path) -> None:
    """Only its owner can read the file. The cloud is the entry with the name of the stack, or the only entry."""
    done = run({**without_forge(), "CLOUDS_YAML": clouds}, "credentials.sh", "dev", str(tmp_path))
    assert done.returncode == status
    file = tmp_path / "clouds.yaml"
    expected = f"OS_CLIENT_CONFIG_FILE={file}\nOS_CLOUD={cloud}\n" if cloud else ""
    assert done.stdout == expected
    if cloud:
        assert file.stat().st_mode & 0o777 == 0o600
        assert yaml.safe_load(file.read_text()) == yaml.safe_load(clouds)


def test_a_stack_file_without_its_secrets() -> None:
    text = yaml.safe_dump(
        {
            "encryptionsalt": "v1:abc",
            "config": {
                "openstack-paas:preset": "dev",
                "openstack-paas:databaseRootPassword": {"secure": "v1:x"},
                "openstack-paas:addons": {"a": {"values": [{"secure": "v1:z"}, {"b": {"secure": "v1:y"}, "c": 1}]}},
            },
        }
    )
    assert yaml.safe_load(without_secrets(text)) == {
        "config": {"openstack-paas:preset": "dev", "openstack-paas:addons": {"a": {"values": [{"c": 1}]}}}
    }
    assert secret_keys(text) == ["openstack-paas:databaseRootPassword"], "only these stand alone"
