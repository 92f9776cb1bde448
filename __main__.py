"""One `pulumi up`: settings -> Platform -> outputs."""

import sys

import pulumi

from components.addons.mariadb import Passwords
from components.platform import Platform, PlatformArgs
from settings.load import parse
from settings.problem import SettingsError
from settings.source import read_secret, read_stack

try:
    config = pulumi.Config()
    platform = parse(read_stack(config), pulumi.get_stack())
    passwords = Passwords(
        read_secret(config, "databaseRootPassword"), read_secret(config, "databaseReplicationPassword")
    )
    outputs = Platform(platform.cluster, PlatformArgs(platform, passwords)).outputs
except SettingsError as error:
    pulumi.log.error(str(error))
    sys.exit(1)
for key, value in outputs.items():
    pulumi.export(key, value)
