"""A forge on the loopback: as much of GitHub's and GitLab's API as the scripts of a pull request's jobs ask for."""

import json
import os
import re
import threading
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

#: The tokens that it lets in; any other is refused with 401.
GITHUB_TOKEN, GITLAB_TOKEN = "github-test-token", "gitlab-test-token"
BOT = {"login": "github-actions[bot]", "id": 7}
STRANGER = {"login": "stranger", "id": 8}


class Forge:
    """`comments` and `issues` are what it keeps; `log` is each request's method and path."""

    def __init__(self) -> None:
        self.comments: list[dict[str, Any]] = []
        self.issues: list[dict[str, Any]] = []
        self.description = ""
        #: GitHub's environments by name: the rules before each.
        self.environments: dict[str, list[dict[str, Any]]] = {}
        self.log: list[str] = []
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self.server.server_port}"

    def close(self) -> None:
        """Ends it."""
        self.server.shutdown()
        self.server.server_close()

    def add_comment(self, body: str, author: Mapping[str, Any]) -> int:
        """Puts a comment there; returns its number."""
        number = 100 + len(self.comments)
        self.comments.append({"id": number, "body": body, "user": author, "author": author})
        return number

    def written(self) -> list[str]:
        """Requests that changed something."""
        return [line for line in self.log if not line.startswith("GET")]

    def answer(self, method: str, path: str, query: Mapping[str, list[str]], body: Any) -> tuple[int, Any]:
        """Status and body for one request."""
        page = slice((int(query.get("page", ["1"])[0]) - 1) * 100, int(query.get("page", ["1"])[0]) * 100)
        route = f"{method} {path}"
        if route == "GET /user":
            return 200, BOT
        if re.fullmatch(r"GET /(repos/o/r/issues/5/comments|projects/3/merge_requests/5/notes)", route):
            return 200, self.comments[page]
        if re.fullmatch(r"POST /(repos/o/r/issues/5/comments|projects/3/merge_requests/5/notes)", route):
            self.add_comment(body["body"], BOT)
            return 201, {}
        if found := re.fullmatch(
            r"(?:PATCH /repos/o/r/issues/comments|PUT /projects/3/merge_requests/5/notes)/(\d+)", route
        ):
            comment = next(comment for comment in self.comments if comment["id"] == int(found[1]))
            comment["body"] = body["body"]
            return (200, {}) if comment["user"] == BOT else (403, {"message": "not yours"})
        if route == "GET /projects/3/merge_requests/5":
            return 200, {"description": self.description}
        if re.fullmatch(r"GET /(repos/o/r/commits/\w+/pulls|projects/3/repository/commits/\w+/merge_requests)", route):
            return 200, [{"body": self.description, "description": self.description}]
        if found := re.fullmatch(r"GET /repos/o/r/environments/([\w-]+)", route):
            rules = self.environments.get(found[1])
            return (404, {"message": "Not Found"}) if rules is None else (200, {"protection_rules": rules})
        if route == "GET /repos/o/r/issues":
            return 200, self.issues
        if route == "POST /repos/o/r/issues":
            self.issues.append({**body, "number": len(self.issues) + 1})
            return 201, {}
        if found := re.fullmatch(r"PATCH /repos/o/r/issues/(\d+)", route):
            self.issues[int(found[1]) - 1] |= body
            return 200, {}
        return 404, {"message": "no such thing"}

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        forge = self

        class Handler(BaseHTTPRequestHandler):
            """One request."""

            def _any(self) -> None:
                parts = urlsplit(self.path)
                length = int(self.headers.get("Content-Length") or 0)
                body = json.loads(self.rfile.read(length)) if length else None
                forge.log.append(f"{self.command} {parts.path}")
                tokens = (f"Bearer {GITHUB_TOKEN}", GITLAB_TOKEN)
                if (self.headers.get("Authorization") or self.headers.get("PRIVATE-TOKEN")) in tokens:
                    status, answer = forge.answer(self.command, parts.path, parse_qs(parts.query), body)
                else:
                    status, answer = 401, {"message": "who are you"}
                self.send_response(status)
                self.end_headers()
                self.wfile.write(json.dumps(answer).encode())

            do_GET = do_POST = do_PATCH = do_PUT = _any

            def log_message(self, format: str, *arguments: Any) -> None:
                """Says nothing: `log` has it."""

        return Handler


def without_forge() -> dict[str, str]:
    """This process's environment without what a forge would have set."""
    return {key: value for key, value in os.environ.items() if not key.startswith(("CI", "GITHUB_", "GITLAB_"))}


def github_job(forge: Forge, folder: Path, description: str = "", source: str = "o/r") -> dict[str, str]:
    """The environment of a job for pull request 5, whose branch is in the repository `source`."""
    event = folder / "event.json"
    request = {"number": 5, "body": description, "head": {"repo": {"full_name": source}}, "base": {"sha": "0" * 40}}
    event.write_text(json.dumps({"pull_request": request}))
    return {
        **without_forge(),
        "GITHUB_API_URL": forge.url,
        "GITHUB_REPOSITORY": "o/r",
        "GITHUB_EVENT_NAME": "pull_request",
        "GITHUB_EVENT_PATH": str(event),
        "GITHUB_STEP_SUMMARY": str(folder / "summary.md"),
        "GITHUB_TOKEN": GITHUB_TOKEN,
    }


def gitlab_job(forge: Forge) -> dict[str, str]:
    """The environment of a job for merge request 5."""
    return {
        **without_forge(),
        "CI_API_V4_URL": forge.url,
        "CI_PROJECT_ID": "3",
        "CI_MERGE_REQUEST_IID": "5",
        "CI_MERGE_REQUEST_DIFF_BASE_SHA": "0" * 40,
        "GITLAB_TOKEN": GITLAB_TOKEN,
    }
