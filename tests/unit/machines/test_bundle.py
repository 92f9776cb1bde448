"""A bundle: the same bytes for the same files, no secret in the script, and a script that unpacks and runs it."""

import base64
import gzip
import io
import subprocess
import tarfile

import pytest

from machines.common.bundle import Bundle, File

CONVERGE = File("converge", "#!/bin/sh\necho hello from the step\n", 0o755)


def test_archive_is_the_same_for_the_same_files() -> None:
    files = (CONVERGE, File("b/two", "2\n"), File("a", "1\n"), File("pki/key", "hidden", 0o600, secret=True))
    first, second = Bundle("step", files), Bundle("step", tuple(reversed(files)))
    assert first.archive() == second.archive()
    assert first.script() == second.script()
    compressed = base64.b64decode(first.archive())
    assert compressed[4:8] == b"\0\0\0\0", "gzip's own time must not be in it"
    with tarfile.open(fileobj=io.BytesIO(gzip.decompress(compressed))) as tar:
        entries = tar.getmembers()
        assert [entry.name for entry in entries] == ["converge", "pki/key", "a", "b/two"]
        assert {(entry.mtime, entry.uid, entry.gid, entry.uname) for entry in entries} == {(0, 0, 0, "")}
        assert {entry.name: entry.mode for entry in entries}["pki/key"] == 0o600


def test_script_names_files_with_digests_and_secrets_without() -> None:
    secret = File("pki/key", "hidden-value", 0o600, secret=True)
    script = Bundle("step", (CONVERGE, secret)).script()
    assert f"# converge {CONVERGE.digest}\n" in script
    assert "# pki/key secret\n" in script
    assert "hidden-value" not in script
    assert secret.digest not in script


def test_a_changed_file_changes_only_its_own_line() -> None:
    before = Bundle("step", (CONVERGE, File("a", "1"), File("b", "2"))).script().splitlines()
    after = Bundle("step", (CONVERGE, File("a", "1"), File("b", "3"))).script().splitlines()
    changed = [line for line, other in zip(before, after, strict=True) if line != other]
    assert [line.split()[1] for line in changed] == ["b"]


def test_a_changed_secret_changes_the_archive_and_not_the_script() -> None:
    one = Bundle("step", (CONVERGE, File("key", "1", secret=True)))
    other = Bundle("step", (CONVERGE, File("key", "2", secret=True)))
    assert one.script() == other.script()
    assert one.archive() != other.archive()


def test_mode_counts_for_the_digest() -> None:
    assert File("a", "x", 0o644).digest != File("a", "x", 0o755).digest


@pytest.mark.parametrize("path", ["", "/etc/passwd", "../outside", "a/../../b", "line\nbreak"])
def test_paths_that_leave_the_folder_are_refused(path: str) -> None:
    with pytest.raises(ValueError, match="relative path"):
        File(path, "")


def test_a_bundle_needs_converge_once() -> None:
    with pytest.raises(ValueError, match="has no file 'converge'"):
        Bundle("step", (File("a", ""),))
    with pytest.raises(ValueError, match="more than one file named converge"):
        Bundle("step", (CONVERGE, CONVERGE))


def test_script_is_valid_for_the_login_shells_of_machines() -> None:
    script = Bundle("step", (CONVERGE,)).script()
    subprocess.run(["bash", "-n"], input=script, text=True, check=True)
    assert "timeout --kill-after" in script
    assert "sudo --non-interactive" in script
