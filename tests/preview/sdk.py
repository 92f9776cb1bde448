"""The SDK classes and functions that the program uses, and what each sends to its plugin."""

import ast
import importlib
import inspect
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pulumi import CustomResource, ProviderResource
from pulumi._types import input_type_py_to_pulumi_names

PROJECT = Path(__file__).resolve().parents[2]

#: The SDKs whose plugins the toolchain builds.
PACKAGES = ("pulumi_command", "pulumi_kubernetes", "pulumi_openstack", "pulumi_tls")


@dataclass(frozen=True)
class Used:
    """A class or function of an SDK."""

    module: str
    name: str

    @property
    def package(self) -> str:
        """The plugin's name."""
        return self.module.split(".")[0].removeprefix("pulumi_")

    @property
    def object(self) -> Any:
        """The class or function itself."""
        return getattr(importlib.import_module(self.module), self.name)

    def __str__(self) -> str:
        return f"{self.module}.{self.name}"


def used_in(source: str) -> Iterator[Used]:
    """Every name of an SDK that a module's source uses, through any form of import."""
    tree = ast.parse(source)
    modules: dict[str, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                modules[alias.asname or alias.name.split(".")[0]] = alias.name
        elif isinstance(node, ast.ImportFrom) and node.module and node.module.split(".")[0] in PACKAGES:
            for alias in node.names:
                if inspect.ismodule(Used(node.module, alias.name).object):
                    modules[alias.asname or alias.name] = f"{node.module}.{alias.name}"
                else:
                    yield Used(node.module, alias.name)
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute):
            parts = ast.unparse(node).split(".")
            module = ".".join([modules.get(parts[0], parts[0]), *parts[1:-1]])
            if module.split(".")[0] in PACKAGES and re.fullmatch(r"[\w.]+", module):
                yield Used(module, parts[-1])


def used_by_program() -> set[Used]:
    """The resources, providers and functions that __main__.py and components/ use."""
    found = set()
    for path in [PROJECT / "__main__.py", *sorted((PROJECT / "components").rglob("*.py"))]:
        found |= set(used_in(path.read_text(encoding="utf-8")))
    return {each for each in found if is_resource(each) or is_function(each)}


def is_resource(used: Used) -> bool:
    """Whether it is a resource or a provider."""
    return inspect.isclass(used.object) and issubclass(used.object, CustomResource)


def is_provider(used: Used) -> bool:
    """Whether it is a provider."""
    return inspect.isclass(used.object) and issubclass(used.object, ProviderResource)


def is_function(used: Used) -> bool:
    """Whether it is a function that gets data from its plugin."""
    return inspect.isfunction(used.object) and used.name.startswith("get_")


def camel(name: str) -> str:
    """The plugin's form of a Python name, unless the SDK has a special one."""
    return re.sub(r"_(\w)", lambda match: match[1].upper(), name)


@dataclass(frozen=True)
class Properties:
    """The inputs and outputs of an SDK class, by the plugin's names."""

    token: str
    inputs: frozenset[str]
    outputs: frozenset[str]


def resource_properties(used: Used) -> Properties:
    """The properties of a class, read from the source that Pulumi generated for it."""
    source = inspect.getsource(used.object._internal_init)
    match = re.search(r"super\(\w+, __self__\).__init__\(\s*'([^']+)'", source)
    assert match, used
    token = f"pulumi:providers:{match[1]}" if is_provider(used) else match[1]
    assigned = set(re.findall(r'__props__\.__dict__\["(\w+)"\]', source))
    parameters = set(inspect.signature(used.object._internal_init).parameters)
    arguments = re.search(r"__props__ = (\w+)\.__new__", source)
    assert arguments, used
    special = input_type_py_to_pulumi_names(getattr(inspect.getmodule(used.object), arguments[1]))
    return Properties(
        token,
        frozenset(special.get(name, camel(name)) for name in assigned & parameters),
        frozenset(special.get(name, camel(name)) for name in assigned),
    )


def function_properties(used: Used) -> Properties:
    """The properties of a function, read from its source."""
    source = inspect.getsource(used.object)
    match = re.search(r"pulumi\.runtime\.invoke\('([^']+)'.*typ=(\w+)\)", source)
    assert match, used
    inputs = re.findall(r"__args__\['(\w+)'\]", source)
    result = getattr(inspect.getmodule(used.object), match[2])
    outputs = inspect.signature(result.__init__).parameters
    return Properties(match[1], frozenset(inputs), frozenset(camel(name) for name in outputs if name != "__self__"))


def nested_names(used: Used) -> frozenset[str]:
    """The plugin's names for the fields of a nested type, such as remote.ConnectionArgs."""
    special = input_type_py_to_pulumi_names(used.object)
    fields = inspect.signature(used.object.__init__).parameters
    return frozenset(special.get(name, camel(name)) for name in fields if name != "__self__")
