"""The preflight of `pulumi preview` and `pulumi up`: asks, checks, and gives the ids that resources are made with."""

from __future__ import annotations

import os
from collections.abc import Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Final

from preflight import checks, claims
from preflight.catalog import Catalog
from preflight.checks import images, provider_network
from preflight.collect import collect
from preflight.context import Context
from preflight.credentials import CloudUnreachable, find, log_in
from settings.platform import Platform
from settings.problem import Problem, SettingsError
from settings.running import Running

#: `optional` in this variable does what the setting `preflight` does: a pull request from a fork has no credentials,
#: but its stack file is the one to preview.
VARIABLE: Final = "OPENSTACK_PAAS_PREFLIGHT"


@dataclass(frozen=True)
class Preflight:
    """What came out of it: the ids, and what is allowed but unwise."""

    catalog: Catalog
    warnings: tuple[Problem, ...] = ()


def catalog(context: Context) -> Catalog:
    """The ids of what the settings name; what the cloud does not have is left out."""
    wanted = {settings.flavor for settings in context.machine_settings.values()}
    named = {settings.image: images.newest(context, settings.image) for settings in context.machine_settings.values()}
    subnet = provider_network.subnet(context)
    return Catalog(
        external_network_id=context.external.id if context.external else "",
        flavors={flavor.name: flavor.id for flavor in context.cloud.flavors or () if flavor.name in wanted},
        images={name: image.id for name, image in named.items() if image},
        external_subnet_id=subnet.id if subnet else "",
    )


def unreachable(error: CloudUnreachable) -> Problem:
    """No way into the cloud, as a problem."""
    return Problem("OpenStack", "", f"cannot be asked: {error.reason}", error.fix)


def _passed_over(error: CloudUnreachable) -> Problem:
    """The same where it is only a warning. The provider asks for nothing then, but wants to know where it would ask."""
    return Problem(
        "OpenStack",
        "",
        f"cannot be asked, so nothing is checked and no id is known: {error.reason}",
        "`pulumi up` needs it; a preview by itself needs OS_AUTH_URL at least, for instance http://cloud.invalid/v3",
    )


def run(
    platform: Platform, running: Running | None, provider: Mapping[str, Any], is_preview: bool = False
) -> Preflight:
    """Asks the cloud and checks everything.

    `provider` is the stack's configuration of the OpenStack provider. Raises SettingsError with every problem. A cloud
    that cannot be asked is one of them, but in a preview for which the preflight is optional. The
    cluster is asked at the same time which volumes are on disks that go.
    """
    with ThreadPoolExecutor(1, "claims") as pool:
        pending = pool.submit(claims.problems, platform, running)
        try:
            cloud = collect(log_in(find(provider)), platform)
        except CloudUnreachable as error:
            held, optional = pending.result(), "optional" in (platform.settings.preflight, os.environ.get(VARIABLE))
            if is_preview and optional and not held:
                return Preflight(Catalog(), (_passed_over(error),))
            raise SettingsError([*([] if is_preview and optional else [unreachable(error)]), *held]) from None
        context = Context(platform, cloud, running)
        if problems := [*checks.errors(context), *pending.result()]:
            raise SettingsError(problems)
    return Preflight(catalog(context), tuple(checks.warnings(context)))


def begin(
    platform: Platform, running: Running | None, provider: Mapping[str, Any], is_preview: bool = False
) -> Future[Preflight]:
    """`run` in a thread: while the cloud answers there is something else to do."""
    pool = ThreadPoolExecutor(1, "preflight")
    future = pool.submit(run, platform, running, provider, is_preview)
    pool.shutdown(wait=False)
    return future
