"""Volumes on the disks of nodes that will be replaced: the running cluster is asked before anything is deleted.

The same rule as agent/kubernetes/leave.py, which asks once more when it is the machine's turn. No answer means no
permission.
"""

import base64
import binascii
import http.client
import json
import ssl
import tempfile
import time
from collections.abc import Mapping, Sequence
from typing import Any, Final
from urllib.parse import urlsplit

import yaml

from settings.plan import PlannedMachine
from settings.platform import Platform
from settings.problem import Problem
from settings.running import Running

#: Seconds for all questions together.
ANSWER_SECONDS: Final = 5.0
_CLAIMS: Final = "/api/v1/persistentvolumeclaims"
_VOLUMES: Final = "/api/v1/persistentvolumes"
#: Volumes that a message names.
_SHOWN: Final = 4


class NoAnswer(Exception):
    """The API did not say which volumes are on its nodes. The text says why."""


def endangered(platform: Platform) -> list[PlannedMachine]:
    """Nodes that lose their disk in this run, less those of which the settings say that volumes may be lost."""
    settings = platform.settings
    return [
        machine
        for machine in platform.plan.machines
        if platform.replacing.get(machine.hostname) and machine.hostname not in settings.rollout.lose_volumes
        # A volume of the cloud is attached again with its data.
        if machine.role == "control-plane" or (machine.role == "worker" and not settings.workers[machine.pool].volume)
    ]


def problems(platform: Platform, running: Running | None, seconds: float = ANSWER_SECONDS) -> list[Problem]:
    """One problem for each machine with data on its disk that is nowhere else, or of which nothing is known."""
    machines = endangered(platform)
    if not machines:
        return []
    try:
        held = volumes(running.kubeconfig if running else "", [machine.hostname for machine in machines], seconds)
    except NoAnswer as error:
        rule = f"its disk goes with it, and the cluster could not be asked which volumes are on it ({error})"
        fix = "see that its API answers, or name it in rollout.loseVolumes: everything on it is lost then"
        return [Problem("rollout.replace", machine.hostname, rule, fix) for machine in machines]
    return [_lossy(node, found) for node, found in held.items() if found]


def _lossy(node: str, found: Sequence[str]) -> Problem:
    more = f" and {len(found) - _SHOWN} more" if len(found) > _SHOWN else ""
    rule = f"its disk holds data that is nowhere else: {', '.join(found[:_SHOWN])}{more}"
    fix = "move it (docs/scaling.md), or name the machine in rollout.loseVolumes: the data is lost then"
    return Problem("rollout.replace", node, rule, fix)


def volumes(kubeconfig: str, nodes: Sequence[str], seconds: float = ANSWER_SECONDS) -> dict[str, list[str]]:
    """The volumes that are on each of these nodes alone, and are claimed or were kept. Raises NoAnswer."""
    api = _Api(kubeconfig, seconds)
    try:
        # A claim that is being deleted has been given up.
        uids = {
            claim["metadata"]["uid"]
            for claim in api.items(_CLAIMS)
            if claim["metadata"].get("deletionTimestamp") is None
        }
        listed = api.items(_VOLUMES)
        return {node: sorted(_named(volume) for volume in listed if _keeps(volume, node, uids)) for node in nodes}
    except (KeyError, TypeError, AttributeError) as error:
        raise NoAnswer("its answer is not a list of volumes and claims") from error
    finally:
        api.close()


def _keeps(volume: Mapping[str, Any], node: str, uids: set[str]) -> bool:
    """Whether the volume is on that node alone, and is claimed or was kept after its claim."""
    spec = volume["spec"]
    terms = ((spec.get("nodeAffinity") or {}).get("required") or {}).get("nodeSelectorTerms") or []
    if not terms or not all(_only(term, node) for term in terms):
        return False
    kept = spec.get("persistentVolumeReclaimPolicy") == "Retain" and volume["status"].get("phase") == "Released"
    return kept or (spec.get("claimRef") or {}).get("uid") in uids


def _only(term: Mapping[str, Any], node: str) -> bool:
    """Whether a term of an affinity lets the volume be on that node and no other."""
    labels, fields = term.get("matchExpressions") or (), term.get("matchFields") or ()
    return any(
        rule["key"] == "kubernetes.io/hostname" and rule["operator"] == "In" and rule.get("values") == [node]
        for rule in labels
    ) or any(rule["key"] == "metadata.name" and rule.get("values") == [node] for rule in fields)


def _named(volume: Mapping[str, Any]) -> str:
    claim = volume["spec"].get("claimRef") or {}
    return f"{claim.get('namespace')}/{claim.get('name')} (volume {volume['metadata']['name']})"


class _Api:
    """The API of one kubeconfig, as components/kubeconfig.py writes it; one connection for all questions."""

    def __init__(self, kubeconfig: str, seconds: float) -> None:
        self._seconds, self._deadline = seconds, time.monotonic() + seconds
        if not kubeconfig:
            raise NoAnswer("the stack's outputs have no kubeconfig")
        try:
            document = yaml.safe_load(kubeconfig)
            cluster, user = document["clusters"][0]["cluster"], document["users"][0]["user"]
            context = ssl.create_default_context(cadata=_pem(cluster["certificate-authority-data"]))
            # Python loads a client certificate from a file only; this one is its owner's alone, and gone at once.
            with tempfile.NamedTemporaryFile("w", suffix=".pem") as pair:
                pair.write(_pem(user["client-certificate-data"]) + _pem(user["client-key-data"]))
                pair.flush()
                context.load_cert_chain(pair.name)
            url = urlsplit(cluster["server"])
            self._connection = http.client.HTTPSConnection(
                str(url.hostname), url.port or 443, timeout=seconds, context=context
            )
        except (KeyError, IndexError, TypeError, ValueError, binascii.Error, yaml.YAMLError, OSError) as error:
            # The error itself may show parts of the key.
            raise NoAnswer("the kubeconfig among the stack's outputs cannot be used") from error

    def items(self, path: str) -> list[dict[str, Any]]:
        """All entries of a listing. Raises NoAnswer."""
        left = self._deadline - time.monotonic()
        if left <= 0:
            raise NoAnswer(f"no answer within {self._seconds:.0f} s")
        try:
            self._connection.timeout = left
            if self._connection.sock:
                self._connection.sock.settimeout(left)
            self._connection.request("GET", path, headers={"Accept": "application/json"})
            answer = self._connection.getresponse()
            text = answer.read()
        except TimeoutError as error:
            raise NoAnswer(f"no answer within {self._seconds:.0f} s") from error
        except (OSError, http.client.HTTPException) as error:
            raise NoAnswer(f"{self._connection.host}:{self._connection.port}: {error}") from error
        if answer.status != 200:
            raise NoAnswer(f"{path}: {answer.status} {answer.reason}")
        try:
            found = json.loads(text)["items"]
        except (ValueError, KeyError, TypeError):
            found = None
        if not isinstance(found, list):
            raise NoAnswer(f"{path}: the answer is not a listing")
        return found

    def close(self) -> None:
        self._connection.close()


def _pem(encoded: str) -> str:
    return base64.b64decode(encoded).decode()
