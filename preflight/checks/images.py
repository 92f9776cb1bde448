"""Images: that there is one, that it can be used, and that it fits the flavor."""

from __future__ import annotations

from collections.abc import Iterator

from preflight.cloud import Image
from preflight.context import Context, suggestion
from settings.problem import Problem

#: Names of the architecture that the platform was tried on.
AMD64 = frozenset({"", "x86_64", "amd64"})


def newest(context: Context, name: str) -> Image | None:
    """The image that is used for `name`: of those that are active the newest."""
    active = [image for image in context.cloud.images or () if image.name == name and image.status == "active"]
    return max(active, key=lambda image: image.created, default=None)


def summary(context: Context) -> str:
    """The images in use with their ids."""
    used = dict.fromkeys(settings.image for settings in context.machine_settings.values())
    found = {name: newest(context, name) for name in used}
    return ", ".join(f"{name} ({image.id})" if image else name for name, image in found.items())


def errors(context: Context) -> Iterator[Problem]:
    """An image that is not there, is not ready, or is too large for a flavor."""
    if context.cloud.images is None:
        return
    flavors = {flavor.name: flavor for flavor in context.cloud.flavors or ()}
    for key, settings in context.machine_settings.items():
        image = newest(context, settings.image)
        if image is None and context.keepers(key, made_again=True):
            continue
        if image is None:
            states = sorted({image.status for image in context.cloud.images if image.name == settings.image})
            if states:
                yield Problem(
                    f"{key}.image",
                    settings.image,
                    f"cannot be used: it is {', '.join(states)}, not active",
                    "wait until it is active, reactivate it, or use another one",
                )
            else:
                known = {*context.cloud.image_names, *(image.name for image in context.cloud.images)}
                yield Problem(
                    f"{key}.image",
                    settings.image,
                    "this project sees no image of that name",
                    suggestion(settings.image, known),
                )
            continue
        flavor = flavors.get(settings.flavor)
        if flavor is None:
            continue
        if 0 < flavor.disk_gib < image.disk_gib:
            yield Problem(
                f"{key}.image",
                settings.image,
                f"needs a disk of {image.disk_gib:.3g} GiB, but the flavor {flavor.name} has {flavor.disk_gib}",
                f"use a larger {key}.flavor or a smaller image",
            )
        if flavor.ram_mib < image.ram_mib:
            yield Problem(
                f"{key}.image",
                settings.image,
                f"needs {image.ram_mib} MiB of RAM, but the flavor {flavor.name} has {flavor.ram_mib}",
                f"use a larger {key}.flavor or another image",
            )


def warnings(context: Context) -> Iterator[Problem]:
    """A name that several images have, and an image for another processor."""
    for key, settings in context.machine_settings.items():
        image = newest(context, settings.image)
        if image is None:
            if kept := context.keepers(key, made_again=True):
                yield Problem(
                    f"{key}.image",
                    settings.image,
                    "the cloud no longer has it, or it is not active: running machines keep it "
                    f"({', '.join(kept)}), and cannot be recreated if lost",
                    "name an existing one: that touches no running machine",
                )
            continue
        others = [one for one in context.cloud.images or () if one.name == image.name and one.status == "active"]
        if len(others) > 1:
            yield Problem(
                f"{key}.image",
                settings.image,
                f"{len(others)} images have that name, and the newest is used ({image.id}, {image.created[:10]})",
                "rename the others if that is not the one",
            )
        if image.architecture.lower() not in AMD64:
            yield Problem(
                f"{key}.image",
                settings.image,
                f"is made for {image.architecture}, but the packages installed on it are not",
                "use an image for x86_64",
            )
