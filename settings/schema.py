"""The schema of stack files: pydantic's JSON Schema of the sections, as editors read it (draft 7).

A node is the schema of one value. It is a section where it has `properties`, or refers to one.
"""

from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from typing import Any

from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core import core_schema, to_jsonable_python

from settings.model import Section
from settings.platform_settings import PlatformSettings

Location = Sequence[int | str]
Node = Mapping[str, Any]


class _Generator(GenerateJsonSchema):
    """As pydantic's, but with names of keys that are checked, and no value that is null."""

    def nullable_schema(self, schema: core_schema.NullableSchema) -> JsonSchemaValue:
        """A key without a value is a mistake."""
        return self.generate_inner(schema["schema"])

    def default_schema(self, schema: core_schema.WithDefaultSchema) -> JsonSchemaValue:
        """A section's default is an empty one: its keys have their own."""
        made, default = self.generate_inner(schema["schema"]), schema.get("default")
        if default is None:
            return made
        return {**made, "default": {} if isinstance(default, Section) else to_jsonable_python(default, fallback=str)}

    def dict_schema(self, schema: core_schema.DictSchema) -> JsonSchemaValue:
        """pydantic itself lets other names through where names have a pattern."""
        names, values = self.generate_inner(schema["keys_schema"]), self.generate_inner(schema["values_schema"])
        made: JsonSchemaValue = {"type": "object", "additionalProperties": values}
        return made if names == {"type": "string"} else {**made, "propertyNames": names}

    def model_schema(self, schema: core_schema.ModelSchema) -> JsonSchemaValue:
        """Docstrings have one line a paragraph, and references are alone: draft 7 ignores what is beside them."""
        made = super().model_schema(schema)
        for node in (made, *made["properties"].values()):
            node.pop("title", None)
            paragraphs = node["description"].split("\n\n")
            node["description"] = "\n\n".join(" ".join(paragraph.split()) for paragraph in paragraphs)
            if "$ref" in node:
                node["allOf"] = [{"$ref": node.pop("$ref")}]
        return made


@cache
def root() -> Node:
    """The section of all top-level keys, with every other section in its `$defs`."""
    return PlatformSettings.model_json_schema(schema_generator=_Generator)


def resolved(node: Node) -> Node:
    """The section that a node refers to, or the node itself."""
    (one,) = node.get("allOf", [node])
    section: Node = root()["$defs"][one["$ref"].rpartition("/")[2]] if "$ref" in one else node
    return section


def is_section(node: Node) -> bool:
    """Whether a node is a section."""
    return "properties" in resolved(node)


def below(node: Node) -> Node | None:
    """The node of an entry of a list or of a mapping. None for anything else."""
    return None if is_section(node) else node.get("items", node.get("additionalProperties"))


def at(location: Location) -> Node | None:
    """The node of a place, or of its key where pydantic adds `[key]`. None for an unknown place."""
    if location and location[-1] == "[key]":
        holder = at(location[:-2])
        return holder and holder.get("propertyNames")
    node: Node | None = root()
    for step in location:
        if node is not None:
            node = resolved(node)["properties"].get(str(step)) if is_section(node) else below(node)
    return node


def span(node: Node) -> str:
    """The range in words: "1 to 7", "32 or more". Empty without one."""
    low, high = node.get("minimum"), node.get("maximum")
    if low is None:
        return ""
    return f"{low} or more" if high is None else f"{low} to {high}"


def sections() -> Iterator[tuple[tuple[str, ...], Node]]:
    """Every section with its place, outermost first. There `*` is a key of the user, `0` an entry of a list."""

    def under(place: tuple[str, ...], section: Node) -> Iterator[tuple[tuple[str, ...], Node]]:
        yield place, section
        for key, node in section["properties"].items():
            here = (*place, key)
            while (entry := below(node)) is not None:
                here = (*here, "0" if "items" in node else "*")
                node = entry
            if is_section(node):
                yield from under(here, resolved(node))

    yield from under((), root())
