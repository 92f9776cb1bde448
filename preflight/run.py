"""The preflight of `pulumi preview` and `pulumi up`: asks, checks, and finds the ids that resources need."""

import os
from collections.abc import Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Final

from preflight import checks, claims
from preflight.checks import flavors, images, networks
from preflight.cloud import Catalog
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
    subnet = networks.provider_subnet(context)
    return Catalog(
        external_network_id=context.external.id if context.external else "",
        flavors={name: flavor.id for name, flavor in flavors.by_name(context).items() if name in wanted},
        images={name: image.id for name, image in images.newest(context).items()},
        external_subnet_id=subnet.id if subnet else "",
    )


def unreachable(error: CloudUnreachable) -> Problem:
    """A cloud that cannot be asked, as a problem."""
    return Problem("OpenStack", "", f"cannot be asked: {error.reason}", error.fix)


def run(
    platform: Platform, running: Running | None, provider: Mapping[str, Any], is_preview: bool = False
) -> Preflight:
    """Asks the cloud and checks everything, and asks the cluster which volumes are on disks that are deleted.

    `provider` is the stack's configuration of the OpenStack provider. Raises SettingsError with every problem. A cloud
    that cannot be asked is one of them, except in a preview for which the preflight is optional.
    """
    may_skip = is_preview and "optional" in (platform.settings.preflight, os.environ.get(VARIABLE))
    with ThreadPoolExecutor(1, "claims") as pool:
        claimed = pool.submit(claims.problems, platform, running)
        try:
            context = Context.of(platform, collect(log_in(find(provider)), platform), running)
        except CloudUnreachable as error:
            if problems := [*([] if may_skip else [unreachable(error)]), *claimed.result()]:
                raise SettingsError(problems) from None
            # The provider asks for nothing then, but wants to know where it would ask.
            rule = f"cannot be asked, so nothing is checked and no id is known: {error.reason}"
            fix = (
                "`pulumi up` needs it; a preview by itself needs OS_AUTH_URL at least, for instance "
                "http://cloud.invalid/v3"
            )
            return Preflight(Catalog(), (Problem("OpenStack", "", rule, fix),))
        if problems := [*checks.errors(context), *claimed.result()]:
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
