"""Reads the cloud's APIs: plain GETs with a time limit, page by page, with plain words when they fail.

openstacksdk was measured in its place, against a cloud on loopback: with its import and ten listings it takes 0.26 s of
CPU time, and this 0.15 s. In a real cloud it also asks each service for its versions first.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from typing import Any, Final

from keystoneauth1 import exceptions

from preflight.credentials import Access

#: Query parameters; a key may come several times.
Parameters = Sequence[tuple[str, str]]

#: Types of each service in keystone's catalog, old and new (service-types-authority), and how its paths begin.
_SERVICES: Final[dict[str, tuple[tuple[str, ...], str]]] = {
    "compute": (("compute",), ""),
    "network": (("network",), "/v2.0"),
    "image": (("image",), "/v2"),
    "volume": (("block-storage", "volumev3", "block-store", "volume"), ""),
    "load-balancer": (("load-balancer",), "/v2"),
}
#: Nova shows servers' tags since 2.26 (Newton). A header asks for it, which other services ignore.
_COMPUTE: Final = {"X-OpenStack-Nova-API-Version": "2.26", "OpenStack-API-Version": "compute 2.26"}
#: Entries a page: neutron and nova give at most 1,000 by default.
PAGE: Final = 1000


class NoAnswer(Exception):
    """A question without an answer: the service is absent, forbids it, fails, or is too slow."""


class Reader:
    """Asks until `deadline` (seconds on the monotonic clock); any number of threads may share it."""

    def __init__(self, access: Access, seconds: float) -> None:
        self._access, self._seconds = access, seconds
        self._deadline = time.monotonic() + seconds
        self._roots: dict[str, str] = {}

    def _root(self, service: str) -> str:
        """URL of the service, with its version. No discovery: it would double the number of requests."""
        types, version = _SERVICES[service]
        known = next((name for name in types if name in self._access.services), "")
        if not known:
            raise NoAnswer("the cloud's catalog has no such service")
        url = self._access.session.get_endpoint(
            service_type=known,
            interface=self._access.interface,
            region_name=self._access.region or None,
            skip_discovery=True,
        )
        if not url:
            raise NoAnswer(f"the catalog has no {self._access.interface} address of it")
        url = url.rstrip("/")
        return url if url.endswith(version) else url + version

    def get(self, service: str, path: str, parameters: Parameters = ()) -> Any:
        """The JSON that the service gives for `path`, which begins with a slash. Raises NoAnswer."""
        left = self._deadline - time.monotonic()
        if left <= 0:
            raise NoAnswer(f"no answer within {self._seconds:.0f} s")
        if service not in self._roots:
            self._roots[service] = self._root(service)
        try:
            answer = self._access.session.get(
                self._roots[service] + path,
                params=list(parameters),
                headers=_COMPUTE if service == "compute" else {},
                timeout=left,
                redirect=False,
            )
            return answer.json()
        except (exceptions.Forbidden, exceptions.Unauthorized):
            raise NoAnswer("this user is not allowed to ask") from None
        except exceptions.NotFound:
            raise NoAnswer("the service does not know this request (404)") from None
        except exceptions.HttpError as error:
            raise NoAnswer(f"the service failed with {error.http_status}") from None
        except (exceptions.ConnectTimeout, exceptions.RequestTimeout):
            raise NoAnswer(f"no answer within {self._seconds:.0f} s") from None
        except exceptions.SSLError:
            raise NoAnswer("its certificate is not trusted") from None
        except exceptions.ConnectFailure:
            raise NoAnswer("it cannot be reached") from None
        except ValueError:
            raise NoAnswer("the answer is not JSON: is something else listening there?") from None

    def pages(self, service: str, path: str, collection: str, parameters: Parameters = ()) -> Iterator[dict[str, Any]]:
        """Every entry of a listing, page by page, by the id of the last one."""
        marker = ""
        while True:
            more = [("limit", str(PAGE)), *([("marker", marker)] if marker else [])]
            found = self.get(service, path, [*parameters, *more])
            entries = found.get(collection, [])
            yield from entries
            goes_on = len(entries) >= PAGE or self._has_next(found, collection)
            if not entries or not goes_on or entries[-1].get("id") in ("", None, marker):
                return
            marker = entries[-1]["id"]

    @staticmethod
    def _has_next(found: dict[str, Any], collection: str) -> bool:
        """Whether the answer says that there is more; glance has a `next`, the others a list of links."""
        links = found.get(f"{collection}_links", [])
        return "next" in found or any(link.get("rel") == "next" for link in links)
