"""The built plugins honour or refuse every property of the SDK classes that the program uses. They ignore none."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from google.protobuf import struct_pb2
from pulumi.runtime.proto import provider_pb2

from dev.toolchain.plan import SOURCES, default_places
from tests.preview.plugin import Plugin, running
from tests.preview.sdk import (
    Used,
    function_properties,
    is_function,
    is_provider,
    nested_names,
    resource_properties,
    used_by_program,
)

#: Classes and functions that are checked even if the program does not use them yet.
PLATFORM = {
    "pulumi_command.remote": "Command CopyToRemote",
    "pulumi_kubernetes": "Provider",
    "pulumi_kubernetes.helm.v3": "Release",
    "pulumi_openstack": "Provider",
    "pulumi_openstack.blockstorage": "Volume",
    "pulumi_openstack.compute": "Instance Keypair ServerGroup VolumeAttach get_availability_zones get_flavor",
    "pulumi_openstack.images": "Image get_image",
    "pulumi_openstack.loadbalancer": "Listener LoadBalancer Member Members Monitor Pool",
    "pulumi_openstack.networking": "FloatingIp FloatingIpAssociate Network Port Router RouterInterface SecGroup "
    "SecGroupRule Subnet SubnetRoute get_floating_ip get_network get_port get_router get_sec_group get_subnet",
    "pulumi_tls": "Provider CertRequest LocallySignedCert PrivateKey SelfSignedCert",
}

#: Nested types: the class and its place in the plugin (resource, input).
NESTED = {
    Used("pulumi_command.remote", "ConnectionArgs"): ("command:remote:Command", "connection"),
    Used("pulumi_command.remote", "ProxyConnectionArgs"): ("command:remote:Command", "connection.proxy"),
    Used("pulumi_openstack.compute", "InstanceBlockDeviceArgs"): ("compute/instance:Instance", "blockDevices"),
    Used("pulumi_openstack.compute", "InstanceNetworkArgs"): ("compute/instance:Instance", "networks"),
    Used("pulumi_openstack.compute", "InstanceSchedulerHintArgs"): ("compute/instance:Instance", "schedulerHints"),
    Used("pulumi_openstack.networking", "PortAllowedAddressPairArgs"): ("networking/port:Port", "allowedAddressPairs"),
    Used("pulumi_openstack.networking", "PortFixedIpArgs"): ("networking/port:Port", "fixedIps"),
    Used("pulumi_openstack.networking", "SubnetAllocationPoolArgs"): ("networking/subnet:Subnet", "allocationPools"),
    Used("pulumi_tls", "CertRequestSubjectArgs"): ("tls:index/certRequest:CertRequest", "subject"),
    Used("pulumi_tls", "SelfSignedCertSubjectArgs"): ("tls:index/selfSignedCert:SelfSignedCert", "subject"),
}

#: A stand-in's schema marks inputs without effect with this word. Each is harmless (see dev/toolchain/kubernetes).
IGNORED = "ignored"
HARMLESS = {
    "kubernetes": {
        "allowNullValues",
        "checksum",
        "compat",
        "manifest",
        "resourceNames",
        "status",
        "suppressDeprecationWarnings",
        "suppressHelmHookWarnings",
    }
}

PLUGINS = ("command", "kubernetes", "openstack", "tls")


def checked() -> list[Used]:
    """The classes and functions to check."""
    fixed = {Used(module, name) for module, names in PLATFORM.items() for name in names.split()}
    return sorted(fixed | used_by_program(), key=str)


@pytest.fixture(scope="module", params=PLUGINS)
def plugin(request: pytest.FixtureRequest) -> Iterator[Plugin]:
    """Each built plugin in turn. Official ones need no such test."""
    executable = default_places().binaries / f"pulumi-resource-{request.param}"
    if not executable.exists():
        pytest.skip(f"{executable.name} was not built by the toolchain")
    with running(request.param, executable) as started:
        yield started


def described(plugin: Plugin, token: str) -> dict[str, Any] | None:
    """A resource or provider in the plugin's schema."""
    if token.startswith("pulumi:providers:"):
        return dict(plugin.schema.get("provider", {}))
    known: dict[str, Any] | None = plugin.schema["resources"].get(token)
    return known


def test_every_input_is_honoured_or_refused(plugin: Plugin) -> None:
    """An input that is neither would be accepted without any effect."""
    ignored = []
    for used in checked():
        if used.package != plugin.name or is_function(used):
            continue
        properties = resource_properties(used)
        known = described(plugin, properties.token)
        if known is None:
            assert plugin.name == "kubernetes", f"{used} is not in the plugin"
            continue  # an object of the API server, which refuses unknown fields itself
        inputs = known.get("inputProperties", {})
        for name in sorted(properties.inputs):
            if name in inputs and inputs[name].get("description") != IGNORED:
                continue
            harmless = HARMLESS.get(plugin.name, set())
            if name not in harmless and not plugin.refuses(properties.token, name):
                ignored.append(f"{used}: {name}")
    assert not ignored


def test_every_output_of_used_classes_exists(plugin: Plugin) -> None:
    """A missing output would be None in the program. Outputs that are also inputs are tested above."""
    missing = []
    for used in checked():
        if used.package != plugin.name or is_function(used) or is_provider(used):
            continue
        properties = resource_properties(used)
        known = described(plugin, properties.token)
        if known is not None:
            made = set(known.get("properties", {})) | set(known.get("inputProperties", {}))
            missing += [f"{used}: {name}" for name in sorted(properties.outputs - properties.inputs - made)]
    assert not missing


def test_every_argument_of_a_function_is_honoured_or_refused(plugin: Plugin) -> None:
    """The same for functions. The Terraform bridge validates their arguments."""
    ignored = []
    for used in checked():
        if used.package != plugin.name or not is_function(used):
            continue
        properties = function_properties(used)
        known = plugin.schema["functions"][properties.token]["inputs"]["properties"]
        for name in sorted(properties.inputs - set(known)):
            arguments = struct_pb2.Struct()
            arguments[name] = "probe"
            answer = plugin.provider.Invoke(provider_pb2.InvokeRequest(tok=properties.token, args=arguments))
            terraform = re.sub(r"[A-Z]", lambda match: f"_{str(match[0]).lower()}", name)
            if not any(f"[{terraform}]" in failure.reason for failure in answer.failures):
                ignored.append(f"{used}: {name}")
    assert not ignored


def test_nested_types_have_every_field(plugin: Plugin) -> None:
    """The fields of connections, ports and subjects have the SDK's names."""
    missing = []
    for used, (token, path) in NESTED.items():
        if used.package != plugin.name:
            continue
        token = token if token.startswith(plugin.name) else f"{plugin.name}:{token}"
        fields = plugin.schema["resources"][token]["inputProperties"]
        for name in path.split("."):
            inner = fields[name]
            reference = inner.get("$ref", "").removeprefix("#/types/")
            fields = plugin.schema["types"][reference]["properties"] if reference else inner["properties"]
        missing += [f"{used}: {name}" for name in sorted(nested_names(used) - set(fields))]
    assert not missing


@pytest.mark.parametrize("plugin", ["tls"], indirect=True)
def test_secret_outputs_are_those_of_the_sdk(plugin: Plugin) -> None:
    """Keys are secret in the stand-in's schema too, not only in the SDK."""
    private = plugin.schema["resources"]["tls:index/privateKey:PrivateKey"]["properties"]
    assert {name for name, value in private.items() if value.get("secret")} == {
        "privateKeyOpenssh",
        "privateKeyPem",
        "privateKeyPemPkcs8",
    }


def test_server_group_policies_are_one_text() -> None:
    """The SDK passes a single policy, so the bridge has to present a list of one as a text."""
    executable = default_places().binaries / "pulumi-resource-openstack"
    if not executable.exists():
        pytest.skip("the official plugin is used")
    with running("openstack", executable) as openstack:
        group = openstack.schema["resources"]["openstack:compute/serverGroup:ServerGroup"]
    assert group["inputProperties"]["policies"]["type"] == "string"


@pytest.mark.parametrize("name", ["command", "tls"])
def test_no_declared_input_is_left_unread(name: str) -> None:
    """A field that a stand-in declares but never reads would be accepted without any effect."""
    files = [path for path in (SOURCES / name).glob("*.go") if not path.name.endswith("_test.go")]
    source = "\n".join(path.read_text(encoding="utf-8") for path in files)
    unread = []
    for owner, body in re.findall(r"^type (\w+) struct \{\n(.*?)^\}", source, re.MULTILINE | re.DOTALL):
        for field in re.findall(r'^[ \t]*(\w+)[ \t]+\S.*`pulumi:"', body, re.MULTILINE):
            if not re.search(rf"\.{field}\b", source):
                unread.append(f"{owner}.{field}")
    # The library compares triggers and, because of the field's tag, replaces the resource.
    assert set(unread) <= {"Args.Triggers", "CopyArgs.Triggers"}
