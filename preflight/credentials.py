"""The way into the cloud: the credentials that the OpenStack provider of Pulumi takes, from the same places.

The stack's provider configuration (`openstack:...`) comes first, then clouds.yaml where a cloud is named, then the
OS_* variables.
"""

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

#: Seconds that keystone may take to answer.
LOGIN_SECONDS: Final = 10.0
#: Questions that one host may be asked at a time: many clouds have all services behind one address.
CONNECTIONS: Final = 16

_CHECK: Final = "check OS_CLOUD and clouds.yaml, the OS_* variables, or the stack's openstack:... keys"

#: Each credential: its key in the provider's configuration, in a cloud's `auth` of clouds.yaml, and its OS_* variables.
_AUTH: Final[dict[str, tuple[str, tuple[str, ...]]]] = {
    "auth_url": ("authUrl", ("OS_AUTH_URL",)),
    "user_id": ("userId", ("OS_USER_ID", "OS_USERID")),
    "username": ("userName", ("OS_USERNAME",)),
    "password": ("password", ("OS_PASSWORD",)),
    "token": ("token", ("OS_TOKEN", "OS_AUTH_TOKEN")),
    "project_id": ("tenantId", ("OS_PROJECT_ID", "OS_TENANT_ID")),
    "project_name": ("tenantName", ("OS_PROJECT_NAME", "OS_TENANT_NAME")),
    "user_domain_id": ("userDomainId", ("OS_USER_DOMAIN_ID",)),
    "user_domain_name": ("userDomainName", ("OS_USER_DOMAIN_NAME",)),
    "project_domain_id": ("projectDomainId", ("OS_PROJECT_DOMAIN_ID",)),
    "project_domain_name": ("projectDomainName", ("OS_PROJECT_DOMAIN_NAME",)),
    "domain_id": ("domainId", ("OS_DOMAIN_ID",)),
    "domain_name": ("domainName", ("OS_DOMAIN_NAME",)),
    "default_domain": ("defaultDomain", ("OS_DEFAULT_DOMAIN",)),
    "application_credential_id": ("applicationCredentialId", ("OS_APPLICATION_CREDENTIAL_ID",)),
    "application_credential_name": ("applicationCredentialName", ("OS_APPLICATION_CREDENTIAL_NAME",)),
    "application_credential_secret": ("applicationCredentialSecret", ("OS_APPLICATION_CREDENTIAL_SECRET",)),
}
#: The same for what is beside `auth`.
_BESIDE: Final[dict[str, tuple[str, tuple[str, ...]]]] = {
    "region_name": ("region", ("OS_REGION_NAME",)),
    "interface": ("endpointType", ("OS_INTERFACE", "OS_ENDPOINT_TYPE")),
    "cacert": ("cacertFile", ("OS_CACERT",)),
    "cert": ("cert", ("OS_CERT",)),
    "key": ("key", ("OS_KEY",)),
}


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


@dataclass(frozen=True)
class Credentials:
    """What the user gave, by keystone's names; empty where it is not given."""

    auth: Mapping[str, str]
    beside: Mapping[str, str]
    verify: bool = True


def _first(*values: object) -> str:
    return next((str(value) for value in values if value not in (None, "")), "")


def find(provider: Mapping[str, Any] | None = None) -> Credentials:
    """The credentials; `provider` is the stack's configuration of the OpenStack provider, without its prefix.

    Raises CloudUnreachable when there are none.
    """
    provider = provider or {}
    name = _first(provider.get("cloud"), os.environ.get("OS_CLOUD"))
    entry = _entry(name) if name else {}

    def given(keys: Mapping[str, tuple[str, tuple[str, ...]]], section: Mapping[str, Any]) -> dict[str, str]:
        return {
            key: _first(provider.get(configured), section.get(key), *map(os.environ.get, variables))
            for key, (configured, variables) in keys.items()
        }

    auth = given(_AUTH, entry.get("auth") or {})
    insecure = _first(provider.get("insecure"), os.environ.get("OS_INSECURE")).lower()
    verify = insecure not in ("true", "1", "yes") if insecure else entry.get("verify", True) is not False
    if not auth["auth_url"]:
        raise CloudUnreachable(
            "there are no credentials for OpenStack", "set OS_CLOUD (clouds.yaml) or the OS_* variables"
        )
    return Credentials(auth, given(_BESIDE, entry), verify)


def _entry(name: str) -> Mapping[str, Any]:
    """The cloud `name` of clouds.yaml."""
    try:
        found = clouds_file.cloud(name)
    except (OSError, yaml.YAMLError) as error:
        raise CloudUnreachable(f"clouds.yaml cannot be read ({type(error).__name__})", "correct the file") from None
    if found is None:
        known = ", ".join(clouds_file.names()) or "no cloud at all"
        raise CloudUnreachable(
            f"there is no cloud {name} in clouds.yaml, which has {known}", "set OS_CLOUD to one of them"
        )
    return found


def _versioned(auth_url: str) -> str:
    """Keystone's version 3, whatever version the URL names."""
    root = auth_url.rstrip("/")
    return root if root.endswith("/v3") else root.removesuffix("/v2.0") + "/v3"


def _domain(auth: Mapping[str, str | None], of: str) -> dict[str, str | None]:
    """The domain of the user or the project. The defaults do not mix: a name is not joined by an id that is not its."""
    name = auth[f"{of}_domain_name"] or auth["domain_name"]
    default = None if name else auth["domain_id"] or auth["default_domain"]
    return {f"{of}_domain_name": name, f"{of}_domain_id": auth[f"{of}_domain_id"] or default}


def _plugin(credentials: Mapping[str, str]) -> BaseIdentityPlugin:
    """How to log in: an application credential, a token or a password, whichever was given."""
    auth = {key: value or None for key, value in credentials.items()}
    url = _versioned(credentials["auth_url"])
    user: dict[str, Any] = {key: auth[key] for key in ("user_id", "username")} | _domain(auth, "user")
    project: dict[str, Any] = {key: auth[key] for key in ("project_id", "project_name")} | _domain(auth, "project")
    if secret := auth["application_credential_secret"]:
        identity, name = auth["application_credential_id"], auth["application_credential_name"]
        return v3.ApplicationCredential(url, secret, identity, application_credential_name=name, **user)
    if auth["password"]:
        return v3.Password(url, password=auth["password"], **user, **project)
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
    region = beside["region_name"]
    offers = [
        (item["type"], {point.get("region_id") or point.get("region") or "" for point in item["endpoints"]})
        for item in access.service_catalog.catalog
    ]
    regions = set[str]().union(*(places for _, places in offers))
    if region and regions and region not in regions:
        raise CloudUnreachable(
            f"there is no region {region}, the cloud has {', '.join(sorted(regions))}",
            "correct region_name or OS_REGION_NAME",
        )
    services = frozenset(kind for kind, places in offers if (region in places if region else places))
    interface = (beside["interface"] or "public").removesuffix("URL")
    return Access(session, access.project_id, region, interface, services)


def _certificate(error: Exception) -> str:
    """What is wrong with a certificate, in the library's own words."""
    text = str(error).lower()
    known = ("certificate has expired", "certificate is not yet valid", "Hostname mismatch", "self-signed certificate")
    return next((words for words in known if words.lower() in text), "its issuer is unknown to this machine")
