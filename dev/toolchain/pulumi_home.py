"""A PULUMI_HOME with every plugin in it.

The engine also uses plugins on PATH, but warns about each at every run. With PULUMI_IGNORE_AMBIENT_PLUGINS set it only
looks here and does not warn.
"""

from pathlib import Path

from dev.toolchain.plan import Step


def link_plugins(home: Path, steps: list[Step]) -> None:
    """Make the folder in which the engine looks for each plugin, with a link to the executable."""
    for step in steps:
        if step.program.kind != "plugin":
            continue
        folder = home / "plugins" / f"resource-{step.program.name}-v{step.program.version}"
        link = folder / step.program.binary
        if link == step.path or (link.exists() and not link.is_symlink()):
            continue  # the official CLI has installed the plugin here
        if link.is_symlink() and link.readlink() == step.path:
            continue
        folder.mkdir(parents=True, exist_ok=True)
        fresh = folder / f".{step.program.binary}.partial"
        fresh.unlink(missing_ok=True)
        fresh.symlink_to(step.path)
        fresh.replace(link)
