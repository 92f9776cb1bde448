"""A state is kept without what it needs not and never with a secret."""

from typing import Any

import pytest

from tests.preview.record import COMMAND, RecordError, clean

SECRET = {"4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270", "ciphertext": "v1:short"}
LONG = SECRET | {"ciphertext": "v1:" + 1000 * "long"}


def export(**outputs: Any) -> dict[str, Any]:
    return {
        "deployment": {
            "resources": [
                {"type": "tls:index/privateKey:PrivateKey", "outputs": {"privateKeyPem": SECRET, **outputs}},
                {
                    "type": COMMAND,
                    "sourcePosition": "project:///home/somebody/__main__.py#1",
                    "inputs": {"create": "run", "stdin": LONG},
                    "outputs": {"stdin": LONG, "stdout": "done"},
                },
            ]
        }
    }


def test_bundles_and_places_are_left_out() -> None:
    command = clean(export())["deployment"]["resources"][1]
    assert command == {
        "type": COMMAND,
        "inputs": {"create": "run", "stdin": SECRET},
        "outputs": {"stdin": SECRET, "stdout": "", "stderr": ""},
    }


@pytest.mark.parametrize("outputs", [{"pem": "-----BEGIN PRIVATE KEY-----"}, {"rootPassword": "open"}])
def test_a_secret_in_plain_text_is_refused(outputs: dict[str, str]) -> None:
    with pytest.raises(RecordError, match="plain text"):
        clean(export(**outputs))
