"""The way into the cloud: the credentials that the OpenStack provider of Pulumi takes, from the same places.

The stack's provider configuration (`openstack:...`) comes first, then clouds.yaml where a cloud is named, then the
OS_* variables.
"""

from __future__ import annotations

import atexit
import os
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import urllib3
import yaml
from keystoneauth1 import exceptions
from keystoneauth1.identity import v3
from keystoneauth1.identity.base import BaseIdentityPlugin
from keystoneauth1.session import Session, TCPKeepAliveAdapter

from preflight import clouds_file
from preflight.credential_keys import AUTH, BESIDE

#: Seconds that keystone may take to answer.
LOGIN_SECONDS: Final = 10.0
#: Questions that one host may be asked at a time: many clouds have all services behind one address.
CONNECTIONS: Final = 16

_CHECK = "check OS_CLOUD and clouds.yaml, the OS_* variables, or the stack's openstack:... keys"


class CloudUnreachable(Exception):
    """The cloud cannot be asked. `reason` and `fix` are for people; neither has a secret in it."""

    def __init__(self, reason: str, fix: str = _CHECK) -> None:
        super().__init__(f"{reason}; {fix}")
        self.reason, self.fix = reason, fix


@dataclass(frozen=True)
class Access:
    """A session that is logged in, and where in the cloud it asks."""

    session: Session
    project_id: str
    region: str
    """Empty: the only one."""
    interface: str
    services: frozenset[str]
    """Types of the services that keystone's catalog has in this region."""
    user_id: str = ""


@dataclass(frozen=True)
class Credentials:
    """What the user gave, by keystone's names; `name` is the cloud's in clouds.yaml, or empty."""

    auth: Mapping[str, str]
    beside: Mapping[str, str]
    verify: bool = True
    name: str = ""


def _true(value: object) -> bool:
    return str(value).lower() in ("true", "1", "yes")


def _first(*values: object) -> str:
    return next((str(value) for value in values if value not in (None, "")), "")


def _environment(names: tuple[str, ...]) -> str:
    return _first(*(os.environ.get(name) for name in names))


def find(provider: Mapping[str, Any] | None = None) -> Credentials:
    """The credentials; `provider` is the stack's configuration of the OpenStack provider, without its prefix.

    Raises CloudUnreachable when there are none.
    """
    provider = provider or {}
    name = _first(provider.get("cloud"), os.environ.get("OS_CLOUD"))
    entry: Mapping[str, Any] = {}
    if name:
        try:
            found = clouds_file.cloud(name)
        except (OSError, yaml.YAMLError) as error:
            raise CloudUnreachable(f"clouds.yaml cannot be read ({type(error).__name__})", "correct the file") from None
        if found is None:
            known = ", ".join(clouds_file.names()) or "no cloud at all"
            raise CloudUnreachable(
                f"there is no cloud {name} in clouds.yaml, which has {known}", "set OS_CLOUD to one of them"
            )
        entry = found
    in_auth: Mapping[str, Any] = entry.get("auth") or {}
    auth = {
        key: _first(provider.get(configured), in_auth.get(key), _environment(variables))
        for key, (configured, variables) in AUTH.items()
    }
    beside = {
        key: _first(provider.get(configured), entry.get(key), _environment(variables))
        for key, (configured, variables) in BESIDE.items()
    }
    insecure = _first(provider.get("insecure"), os.environ.get("OS_INSECURE"))
    verify = not _true(insecure) if insecure else entry.get("verify", True) is not False
    if not auth["auth_url"]:
        raise CloudUnreachable(
            "there are no credentials for OpenStack", "set OS_CLOUD (clouds.yaml) or the OS_* variables"
        )
    return Credentials(auth, beside, verify, name)


def _versioned(auth_url: str) -> str:
    """Keystone's version 3, whatever version the URL names."""
    root = auth_url.rstrip("/")
    return root if root.endswith("/v3") else root.removesuffix("/v2.0") + "/v3"


def _plugin(auth: Mapping[str, str]) -> BaseIdentityPlugin:
    """How to log in: an application credential, a token or a password, whichever was given."""
    url = _versioned(auth["auth_url"])
    domain = auth["default_domain"] or None
    project: dict[str, Any] = {
        "project_id": auth["project_id"] or None,
        "project_name": auth["project_name"] or None,
        "project_domain_id": auth["project_domain_id"] or auth["domain_id"] or domain,
        "project_domain_name": auth["project_domain_name"] or auth["domain_name"] or None,
    }
    if project["project_domain_name"]:
        project["project_domain_id"] = auth["project_domain_id"] or None
    user_domain: dict[str, Any] = {
        "user_domain_id": auth["user_domain_id"] or auth["domain_id"] or domain,
        "user_domain_name": auth["user_domain_name"] or auth["domain_name"] or None,
    }
    if user_domain["user_domain_name"]:
        user_domain["user_domain_id"] = auth["user_domain_id"] or None
    user: dict[str, Any] = {"user_id": auth["user_id"] or None, "username": auth["username"] or None}
    if auth["application_credential_secret"]:
        return v3.ApplicationCredential(
            url,
            auth["application_credential_secret"],
            application_credential_id=auth["application_credential_id"] or None,
            application_credential_name=auth["application_credential_name"] or None,
            **user,
            **user_domain,
        )
    if auth["password"]:
        return v3.Password(url, password=auth["password"], **user, **user_domain, **project)
    if auth["token"]:
        return v3.Token(url, auth["token"], **project)
    raise CloudUnreachable("the credentials have no password, token or application credential")


def _host(url: str) -> str:
    """Scheme, host and port of a URL, less any user and password in it."""
    scheme, _, rest = url.partition("://")
    return f"{scheme}://{rest.partition('/')[0].rpartition('@')[2]}"


def _authority(given: str) -> str:
    """Path of the cloud's CA. The provider takes the certificate itself, too; it goes into a file for a while then."""
    if not given.lstrip().startswith("-----BEGIN"):
        return given
    with tempfile.NamedTemporaryFile("w", suffix=".pem", delete=False) as file:
        file.write(given)
    atexit.register(Path(file.name).unlink, missing_ok=True)
    return file.name


def log_in(credentials: Credentials) -> Access:
    """A session with a token. Raises CloudUnreachable in words that say what to look at."""
    auth, beside = credentials.auth, credentials.beside
    plugin = _plugin(auth)
    verify: bool | str = _authority(beside["cacert"]) or True if credentials.verify else False
    certificate = (beside["cert"], beside["key"]) if beside["cert"] and beside["key"] else beside["cert"] or None
    session = Session(auth=plugin, verify=verify, cert=certificate, timeout=LOGIN_SECONDS)
    if verify is False:
        # Said in the stack file already, and otherwise repeated for every question.
        urllib3.disable_warnings(urllib3.exceptions.InsecureRequestWarning)
    for scheme in ("http://", "https://"):
        session.session.mount(scheme, TCPKeepAliveAdapter(pool_maxsize=CONNECTIONS))
    place = _host(auth["auth_url"])
    try:
        access = plugin.get_access(session)
    except exceptions.Unauthorized:
        who = auth["application_credential_id"] or auth["application_credential_name"] or auth["username"] or "the user"
        raise CloudUnreachable(f"keystone at {place} rejects {who} (401: name, password or project is wrong)") from None
    except exceptions.SSLError as error:
        raise CloudUnreachable(
            f"the certificate of {place} is not trusted ({_certificate(error)})",
            "give the cloud's CA (OS_CACERT or openstack:cacertFile), and check this machine's clock",
        ) from None
    except exceptions.ConnectTimeout:
        raise CloudUnreachable(f"keystone at {place} does not answer within {LOGIN_SECONDS:.0f} s") from None
    except exceptions.ConnectFailure:
        raise CloudUnreachable(
            f"keystone at {place} cannot be reached", f"{_CHECK}; is a proxy or VPN needed?"
        ) from None
    except exceptions.HttpError as error:
        raise CloudUnreachable(f"keystone at {place} answers {error.http_status}, not with a token") from None
    except (exceptions.ClientException, OSError) as error:
        raise CloudUnreachable(f"keystone at {place} returned no token ({type(error).__name__})") from None
    if access.expires and access.will_expire_soon(stale_duration=0):
        ahead = (time.time() - access.expires.timestamp()) / 60
        raise CloudUnreachable(
            f"the new token expired {ahead:.0f} minutes ago",
            "correct this machine's clock: it is ahead of the cloud's",
        )
    if not access.project_id:
        raise CloudUnreachable("the credentials name no project", "set OS_PROJECT_NAME or project_name in clouds.yaml")
    return _access(session, access, beside)


def _access(session: Session, access: Any, beside: Mapping[str, str]) -> Access:
    """Where to ask: the region must be one that the catalog has."""
    catalog = access.service_catalog.catalog
    regions = {point.get("region_id") or point.get("region") or "" for item in catalog for point in item["endpoints"]}
    region = beside["region_name"]
    if region and regions and region not in regions:
        raise CloudUnreachable(
            f"there is no region {region}, the cloud has {', '.join(sorted(regions))}",
            "correct region_name or OS_REGION_NAME",
        )
    services = frozenset(
        item["type"]
        for item in catalog
        if any(not region or region in (point.get("region_id"), point.get("region")) for point in item["endpoints"])
    )
    return Access(
        session=session,
        project_id=access.project_id,
        region=region,
        interface=(beside["interface"] or "public").removesuffix("URL"),
        services=services,
        user_id=access.user_id,
    )


def _certificate(error: Exception) -> str:
    """The library's own words about a certificate."""
    text = str(error)
    for phrase in (
        "certificate has expired",
        "certificate is not yet valid",
        "Hostname mismatch",
        "self-signed certificate",
    ):
        if phrase.lower() in text.lower():
            return phrase
    return "its issuer is unknown to this machine"
