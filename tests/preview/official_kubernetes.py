"""What the official kubernetes plugin (4.34) writes to the state, written by hand after its sources."""

import base64
import json
from typing import Any

#: The engine's mark of a secret in plain text, as in `pulumi stack export --show-secrets`.
SECRET_KEY, SECRET_MARK = "4dabf18193072939515e22adb298388d", "1b47061264138c4ac30d75fd1eb44270"

#: Inputs of a Release that are recorded even when they are not set, apart from `timeout` and `values`.
TEXTS = ("chart", "description", "keyring", "name", "namespace", "postrender", "version")
FLAGS = (
    *("allowNullValues", "atomic", "cleanupOnFail", "createNamespace", "dependencyUpdate", "devel", "disableCRDHooks"),
    *("disableOpenapiValidation", "disableWebhooks", "forceUpdate", "lint", "recreatePods", "renderSubchartNotes"),
    *("replace", "resetValues", "reuseValues", "skipAwait", "skipCrds", "takeOwnership", "verify", "waitForJobs"),
)
#: What the plugin adds to the outputs of an object, and to those of a Release.
OBJECT_KEYS = {"__inputs", "__initialApiVersion", "__fieldManager"}
RELEASE_KEYS = {"__inputs", "resourceNames", "status"}


def secret(value: str) -> dict[str, str]:
    """A secret with this JSON."""
    return {SECRET_KEY: SECRET_MARK, "plaintext": value}


def encoded(text: str) -> str:
    """The text as in the data of a Secret."""
    return base64.b64encode(text.encode()).decode()


def server_metadata(name: str, **more: Any) -> dict[str, Any]:
    """Metadata as the API server returns it, with lists."""
    owner = {"manager": "pulumi-kubernetes", "operation": "Update", "fieldsV1": {"f:data": {".": {}}}}
    return {
        "name": name,
        **more,
        "uid": f"uid-{name}",
        "creationTimestamp": "2026-11-28T00:00:00Z",
        "resourceVersion": "602",
        "managedFields": [owner],
    }


def recorded_object(inputs: dict[str, Any], live: dict[str, Any]) -> dict[str, Any]:
    """The `inputs` and `outputs` of an object of the API server."""
    kept = {"__inputs": inputs, "__initialApiVersion": "v1", "__fieldManager": "pulumi-kubernetes-0f1e2d3c"}
    return {"inputs": inputs, "outputs": {**live, **kept}}


def recorded_release(given: dict[str, Any], status: dict[str, Any]) -> dict[str, Any]:
    """The `inputs` and `outputs` of a Release whose `given` inputs are set."""
    unset: dict[str, Any] = {**dict.fromkeys(TEXTS, ""), **dict.fromkeys(FLAGS, False), "timeout": 300, "values": {}}
    inputs = {**unset, **given}
    names = {"StatefulSet.apps/apps/v1": ["mariadb"], "ConfigMap/v1": ["mariadb-state"]}
    return {
        "inputs": inputs,
        "outputs": {**inputs, "resourceNames": names, "status": status, "__inputs": secret(json.dumps(inputs))},
    }
