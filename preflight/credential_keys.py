"""Where each credential is given: the provider's configuration, clouds.yaml, the environment."""

from __future__ import annotations

from typing import Final

#: Each credential: its key in the provider's configuration, in a cloud's `auth` of clouds.yaml, and its OS_* variables.
AUTH: Final[dict[str, tuple[str, tuple[str, ...]]]] = {
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
#: The same for what stands beside `auth`.
BESIDE: Final[dict[str, tuple[str, tuple[str, ...]]]] = {
    "region_name": ("region", ("OS_REGION_NAME",)),
    "interface": ("endpointType", ("OS_INTERFACE", "OS_ENDPOINT_TYPE")),
    "cacert": ("cacertFile", ("OS_CACERT",)),
    "cert": ("cert", ("OS_CERT",)),
    "key": ("key", ("OS_KEY",)),
}
