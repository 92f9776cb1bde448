"""Authorities and certificates, made by openssl in a folder."""

import subprocess
from pathlib import Path

_KEY = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes")


def _openssl(*words: str | Path | int) -> None:
    subprocess.run(["openssl", *map(str, words)], check=True, capture_output=True, timeout=30)


def authority(folder: Path, name: str) -> Path:
    """Makes NAME.crt and NAME.key, and returns the certificate."""
    file = folder / f"{name}.crt"
    _openssl(
        "req", "-x509", *_KEY, "-subj", f"/CN={name}", "-keyout", folder / f"{name}.key", "-out", file, "-days", 30
    )
    return file


def leaf(folder: Path, name: str, issuer: str, days: int = 10, usages: str = "serverAuth,clientAuth") -> Path:
    """Makes NAME.crt and NAME.key for 127.0.0.1, issued by that authority, and returns the certificate."""
    request, extensions, file = folder / f"{name}.csr", folder / f"{name}.ext", folder / f"{name}.crt"
    extensions.write_text(f"subjectAltName=IP:127.0.0.1\nextendedKeyUsage={usages}\n")
    _openssl("req", "-new", *_KEY, "-subj", f"/CN={name}", "-keyout", folder / f"{name}.key", "-out", request)
    signed_by = ("-CA", folder / f"{issuer}.crt", "-CAkey", folder / f"{issuer}.key", "-CAcreateserial")
    _openssl("x509", "-req", "-in", request, *signed_by, "-days", days, "-extfile", extensions, "-out", file)
    return file
