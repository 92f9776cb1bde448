"""The jobs of a pull request on the real engine: preview, comment, gate, deployment, drift check.

tests.engine.echo stands for the cloud and tests.forge for the forge. Everything else is what the jobs run.
"""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.engine import home
from tests.forge import Forge, github_job, without_forge
from tests.preview.stack import PROJECT, Stack
from tests.preview.test_stacks import ON_THE_LAB

SETTINGS = {"preset": "dev", "kubernetes": {"cni": "flannel"}, **ON_THE_LAB}
TEMPLATE = "machines/gateway/haproxy.cfg.j2"


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Stack:
    """A checked-out branch and a platform made from it."""
    folder = tmp_path_factory.mktemp("review")
    made = Stack(folder / "stack", "review")
    for part in ("ops", "policy"):
        shutil.copytree(PROJECT / part, made.folder / part, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(PROJECT / ".gitignore", made.folder)
    made.environment |= home.make(folder / "home")
    made.configure(SETTINGS)
    made.pulumi("stack", "select", "--create", "review")
    up = made.pulumi("up", "--yes", "--skip-preview")
    assert up.returncode == 0, up.stdout + up.stderr
    for words in (("init", "--quiet"), ("add", "--all")):
        subprocess.run(["git", *words], cwd=made.folder, check=True)
    return made


@pytest.fixture
def forge() -> Iterator[Forge]:
    """An empty forge."""
    made = Forge()
    yield made
    made.close()


class Job:
    """Runs the steps of a workflow's job on the branch."""

    def __init__(self, stack: Stack, forge: Forge, folder: Path, description: str = "") -> None:
        forge.description = description
        engine = {key: value for key, value in stack.environment.items() if not key.startswith(("GITHUB_", "CI"))}
        self.environment = {**engine, **github_job(forge, folder, description)} | {
            key: stack.environment[key]
            for key in (
                "PULUMI_BACKEND_URL",
                "PULUMI_CONFIG_PASSPHRASE",
                "PULUMI_HOME",
                "PULUMI_IGNORE_AMBIENT_PLUGINS",
            )
        }
        self.stack, self.previews, self.comment = stack, folder / "previews", folder / "comment.md"

    def run(self, script: str, *words: str | Path) -> subprocess.CompletedProcess[str]:
        """Run a script in ops/pipeline/."""
        return subprocess.run(
            [self.stack.folder / "ops/pipeline" / script, *words],
            env=self.environment,
            cwd=self.stack.folder,
            capture_output=True,
            text=True,
            timeout=240,
            check=False,
        )

    def review(self) -> int:
        """Do what preview.yml does for one stack. Returns the gate's status."""
        previewed = self.run("preview.sh", self.stack.name, self.previews)
        assert previewed.returncode == 0, previewed.stderr
        gate = self.run("review.sh", self.previews, self.comment)
        commented = self.run("comment.sh", self.comment)
        assert commented.returncode == 0, commented.stderr
        return gate.returncode


@contextmanager
def changed(stack: Stack, file: str, old: str, new: str) -> Iterator[None]:
    """Replace a text in one file of the branch during the block."""
    path = stack.folder / file
    before = path.read_text()
    assert old in before
    path.write_text(before.replace(old, new))
    try:
        yield
    finally:
        path.write_text(before)


def test_one_comment_is_created_and_kept_up_to_date(stack: Stack, forge: Forge, tmp_path: Path) -> None:
    """No change gives the same comment twice. A changed template names machine and file. A mistake is reported."""
    job = Job(stack, forge, tmp_path)
    assert job.review() == 0
    first = forge.comments[0]["body"]
    assert "- `review`: no changes" in first
    assert job.review() == 0
    assert forge.comments[0]["body"] == first
    with changed(stack, TEMPLATE, "defaults", "# One more line.\ndefaults"):
        assert job.review() == 0
    assert "| `review-gateway-0` | changed | `gateway.haproxy` changes |" in forge.comments[0]["body"]
    with changed(stack, "Pulumi.review.yaml", "preset: dev", "preset: dve"):
        assert job.review() == 1
    assert "**the preview failed**" in forge.comments[0]["body"]
    assert "dve" in forge.comments[0]["body"]
    assert len(forge.comments) == 1


def test_a_replaced_machine_needs_its_approval_until_it_is_deployed(stack: Stack, forge: Forge, tmp_path: Path) -> None:
    # Settings no longer replace machines, so the test changes the program.
    port = '{"port": port.id}'
    other = '{"port": port.id, "access_network": True} if name == "etcd-0" else {"port": port.id}'
    with changed(stack, "components/machine.py", port, other):
        job = Job(stack, forge, tmp_path)
        assert job.review() == 3
        assert "Approve-Replace: review-etcd-0" in forge.comments[0]["body"]
        # Even if it is merged, the deployment has the same gate and does not change the stack.
        refused = job.run("deploy.sh", stack.name)
        assert refused.returncode == 3
        assert job.review() == 3
        approved = Job(stack, forge, tmp_path, "Approve-Replace: review-etcd-0")
        assert approved.review() == 0
        assert "would be replaced: approved" in forge.comments[0]["body"]
        deployed = approved.run("deploy.sh", stack.name)
        assert deployed.returncode == 0, deployed.stdout + deployed.stderr
        assert job.review() == 0
        assert "- `review`: no changes" in forge.comments[0]["body"]
    assert len(forge.comments) == 1


def test_drift_is_found_and_reported(stack: Stack, forge: Forge, tmp_path: Path) -> None:
    job, report = Job(stack, forge, tmp_path), tmp_path / "drift.md"
    state = stack.pulumi("up", "--yes", "--skip-preview")
    assert state.returncode == 0, state.stderr
    calm = job.run("drift.sh", stack.name, report)
    assert calm.returncode == 0, calm.stdout + calm.stderr
    with changed(stack, TEMPLATE, "defaults", "# One more line.\ndefaults"):
        assert job.run("drift.sh", stack.name, report).returncode == 1
    assert "`gateway.haproxy` changes" in report.read_text()
    with changed(stack, "Pulumi.review.yaml", "preset: dev", "preset: dve"):
        assert job.run("drift.sh", stack.name, report).returncode == 1
    assert "**the preview failed**" in report.read_text()


def test_a_fork_without_secrets_is_previewed_from_nothing(stack: Stack, tmp_path: Path) -> None:
    """There is no state, passphrase or cloud, only the real plugins and a stack file with an unreadable secret."""
    path = stack.folder / "Pulumi.fork.yaml"
    secret = "encryptionsalt: v1:AAAAAAAAAAA=:v1:AAAAAAAAAAAAAAAA:AAAA\nconfig:\n"
    # Copies of backups are refused unless their secrets are set.
    for name in ("databaseRootPassword", "backupS3AccessKey", "backupS3SecretKey"):
        secret += f"  openstack-paas:{name}:\n    secure: v1:AAAA\n"
    secret += "  openstack-paas:backups:\n    copyTo:\n      s3: {endpoint: https://s3.example.org, bucket: backups}\n"
    path.write_text((stack.folder / "Pulumi.review.yaml").read_text().replace("config:\n", secret))
    subprocess.run(["git", "add", path.name], cwd=stack.folder, check=True)
    missing = ("OS_", "PULUMI_BACKEND_URL", "PULUMI_CONFIG_PASSPHRASE", "PULUMI_ACCESS_TOKEN")
    environment = {key: value for key, value in without_forge().items() if not key.startswith(missing)}
    environment |= {"CI": "true", "PULUMI_HOME": os.environ["PULUMI_HOME"]}
    done = subprocess.run(
        [stack.folder / "ops/pipeline" / "preview.sh", "fork", tmp_path],
        env=environment,
        cwd=stack.folder,
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "fork.status").read_text() == "0\n", (tmp_path / "fork.json").read_text()[-2000:]
    review = [stack.folder / "ops/pipeline" / "review.sh", tmp_path, tmp_path / "comment.md"]
    gate = subprocess.run(review, env=without_forge(), capture_output=True, text=True, timeout=60, check=False)
    assert gate.returncode == 0, gate.stderr
    assert (
        "- `fork` (without state and credentials, so from nothing): 5 machines added"
        in (tmp_path / "comment.md").read_text()
    )
