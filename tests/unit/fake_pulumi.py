#!/usr/bin/env python3
"""A stand-in for the engine's command line: stacks in stacks.json, every command and its input in calls.jsonl.

`FAKE_PULUMI` is the folder of both. Its file `fails` names a subcommand that fails, `hangs` one that does not end.
"""

import json
import os
import sys
import time
from pathlib import Path

FOLDER = Path(os.environ["FAKE_PULUMI"])


def stacks() -> dict[str, int]:
    """Number of resources by name of stack."""
    file = FOLDER / "stacks.json"
    return json.loads(file.read_text()) if file.exists() else {}


def option(words: list[str], name: str) -> str:
    return words[words.index(name) + 1]


def main(words: list[str]) -> int:
    subcommand = " ".join(words[:2])
    text = sys.stdin.read()
    with (FOLDER / "calls.jsonl").open("a") as log:
        log.write(json.dumps({"words": words, "input": text}) + "\n")
    for name, act in (("fails", lambda: sys.exit("error: it is broken")), ("hangs", lambda: time.sleep(60))):
        if (FOLDER / name).exists() and (FOLDER / name).read_text() == subcommand:
            act()
    if words[0] == "whoami":
        print(json.dumps({"url": "file:///state"}))
    elif subcommand == "stack ls":
        print(json.dumps([{"name": name, "resourceCount": count} for name, count in stacks().items()]))
    elif subcommand == "stack select" and option(words, "--create") not in stacks():
        name = option(words, "--create")
        (FOLDER / "stacks.json").write_text(json.dumps({**stacks(), name: 0}))
        Path(f"Pulumi.{name}.yaml").write_text("encryptionsalt: v1:new-salt\n")
    elif subcommand == "config set":
        file = Path(option(words, "--config-file"))
        before = file.read_text()
        config = "" if "config:" in before else "config:\n"
        file.write_text(f"{before}{config}  {words[3]}:\n    secure: v1:cipher-{len(text)}\n")
    return 0


sys.exit(main(sys.argv[1:]))
