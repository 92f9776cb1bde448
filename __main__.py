"""One `pulumi up`: settings -> preflight -> Platform -> outputs."""

import sys

import pulumi

from components import sdk
from preflight.run import begin
from settings.load import parse
from settings.problem import SettingsError
from settings.source import read_namespace, read_running, read_secret, read_stack
from settings.stack_file import SECRETS

sdk.prepare()
try:
    config = pulumi.Config()
    running, numbered = read_running()
    platform = parse(read_stack(config), pulumi.get_stack(), running, numbered)
    preflight = begin(platform, running, read_namespace("openstack"), pulumi.runtime.is_dry_run())

    # While the cloud answers.
    from components.platform import Platform, PlatformArgs

    secrets = {name: text for name in SECRETS if (text := read_secret(config, name)) is not None}
    cloud = preflight.result()
    for warning in (*platform.warnings, *cloud.warnings):
        pulumi.log.warn(str(warning))
    outputs = Platform(platform.cluster, PlatformArgs(platform, cloud.catalog, secrets)).outputs
except SettingsError as error:
    pulumi.log.error(str(error))
    sys.exit(1)
for key, value in outputs.items():
    pulumi.export(key, value)
