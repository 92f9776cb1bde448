"""The fingerprint of everything that goes into a binary, so that an unchanged program is not built again."""

import hashlib
from pathlib import Path

from dev.toolchain.programs import Program


def sources(program: Program, folder: Path) -> list[Path]:
    """The files that go into a binary: Go files except tests, go.mod, go.sum and the files copied beside it."""
    files = [path for path in folder.rglob("*.go") if not path.name.endswith("_test.go")]
    files += [folder / "go.mod", folder / "go.sum"]
    files += [folder / name for name in program.copies]
    return sorted(path for path in files if path.is_file())


def fingerprint(program: Program, folder: Path, go_version: str) -> str:
    """The SHA-256 of the names and contents of the sources, the package, the link flags and Go's version."""
    digest = hashlib.sha256()
    for part in (program.package, program.link_flags, go_version):
        digest.update(part.encode() + b"\0")
    for path in sources(program, folder):
        content = path.read_bytes()
        digest.update(f"{path.relative_to(folder)}\0{len(content)}\0".encode())
        digest.update(content)
    return digest.hexdigest()
