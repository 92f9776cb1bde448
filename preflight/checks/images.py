"""Images: that there is one, that it can be used, and that it fits the flavor."""

from collections.abc import Iterator
from functools import partial
from typing import Final

from preflight.checks import flavors
from preflight.cloud import Image
from preflight.context import Context, suggestion
from settings.problem import Problem

#: Names of the architecture that the platform was tried on.
AMD64: Final = frozenset({"", "x86_64", "amd64"})


def active(context: Context, name: str) -> list[Image]:
    """The images of that name that can be used, newest first."""
    usable = [image for image in context.cloud.images or () if image.name == name and image.status == "active"]
    return sorted(usable, key=lambda image: image.created, reverse=True)


def newest(context: Context) -> dict[str, Image]:
    """The image that is used for each name of the settings, as far as there is one."""
    found = {settings.image: active(context, settings.image) for settings in context.settings.roles.values()}
    return {name: usable[0] for name, usable in found.items() if usable}


def summary(context: Context) -> str:
    """The images in use with their ids."""
    used = dict.fromkeys(settings.image for settings in context.settings.roles.values())
    found = newest(context)
    return ", ".join(f"{name} ({found[name].id})" if name in found else name for name in used)


def unusable(context: Context) -> Iterator[Problem]:
    """An image that does not exist, is not ready, or is too large for a flavor."""
    known = context.cloud.images
    if known is None:
        return
    found, flavor_by_name = newest(context), flavors.by_name(context)
    for key, settings in context.settings.roles.items():
        wrong, image = partial(Problem, f"{key}.image", settings.image), found.get(settings.image)
        flavor = flavor_by_name.get(settings.flavor)
        if image is None:
            if not context.keeping(key, unless_replaced=True):
                yield wrong(*_missing(context, settings.image))
            continue
        if flavor and 0 < flavor.disk_gib < image.disk_gib:
            rule = f"needs a disk of {image.disk_gib:.3g} GiB, but the flavor {flavor.name} has {flavor.disk_gib}"
            yield wrong(rule, f"use a larger {key}.flavor or a smaller image")
        if flavor and flavor.ram_mib < image.ram_mib:
            rule = f"needs {image.ram_mib} MiB of RAM, but the flavor {flavor.name} has {flavor.ram_mib}"
            yield wrong(rule, f"use a larger {key}.flavor or another image")


def _missing(context: Context, name: str) -> tuple[str, str]:
    """Why no image of that name can be used, and what to do."""
    known = context.cloud.images or ()
    if states := sorted({image.status for image in known if image.name == name}):
        fix = "wait until it is active, reactivate it, or use another one"
        return f"cannot be used: it is {', '.join(states)}, not active", fix
    names = {*context.cloud.image_names, *(image.name for image in known)}
    return "this project sees no image of that name", suggestion(name, names)


def unwise(context: Context) -> Iterator[Problem]:
    """An image that is gone while machines run on it, a name that several have, or an image for another processor."""
    for key, settings in context.settings.roles.items():
        wrong, usable = partial(Problem, f"{key}.image", settings.image), active(context, settings.image)
        if not usable:
            if kept := context.keeping(key, unless_replaced=True):
                yield wrong(
                    "the cloud no longer has it, or it is not active: running machines keep it "
                    f"({', '.join(kept)}), and cannot be recreated if lost",
                    "name an existing one: that touches no running machine",
                )
            continue
        image = usable[0]
        if len(usable) > 1:
            rule = f"{len(usable)} images have that name, and the newest is used ({image.id}, {image.created[:10]})"
            yield wrong(rule, "rename the others if that is not the one")
        if image.architecture.lower() not in AMD64:
            rule = f"is made for {image.architecture}, but the packages installed on it are not"
            yield wrong(rule, "use an image for x86_64")
