"""This control plane's API server while it is replaced, and while etcd is restored."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Final, Literal

from agent.etcd_api import PortState, port_state
from agent.kubernetes import processes
from agent.kubernetes.apis import MachineApis
from agent.kubernetes_api import CONTROL_PLANES, Object, name_of
from agent.machine import Failed, Machine, NotYet

NAME: Final = "kube-apiserver"
MANIFEST: Final = "/etc/kubernetes/manifests/kube-apiserver.yaml"
#: Not below manifests: the kubelet reads everything there.
ASIDE: Final = "/etc/kubernetes/aside/kube-apiserver.yaml"
#: Seconds in which one that is stopped may end by itself. Without etcd it would take its whole grace (20 s seen).
PATIENCE: Final = 3
#: Seconds until one that does not listen any more is ended; and for which a new one has to be ready: a balancer takes
#: it back after two good checks a second apart, and only then may the next one go.
_HOLD_OUT, _READY_SECONDS = 5.0, 4.0
#: Seconds for which somebody else may take to have it replaced (kubeadm waits up to 5 minutes).
_WATCH_SECONDS: Final = 600


class ApiServer:
    """The API server of this machine, at its own address."""

    def __init__(
        self,
        machine: Machine,
        apis: MachineApis | None,
        address: str,
        port: int,
        state_of: Callable[[str, int], PortState] = port_state,
    ) -> None:
        """Without `apis` it can be put aside and brought back only: then nobody asks whether it is ready."""
        self.machine, self.apis, self.endpoint = machine, apis, f"{address}:{port}"
        self._port_state: Callable[[], PortState] = partial(state_of, address, port)

    def process(self) -> int | None:
        """The process that runs."""
        return processes.oldest(self.machine, f"{NAME} ")

    def listens(self) -> bool:
        """Whether it takes connections."""
        return self._port_state() is PortState.OPEN

    def stopped(self, process: int) -> None:
        """A probe: the process has ended or takes no connections any more."""
        if processes.runs(self.machine, process) and self.listens():
            raise NotYet(f"the process {process} still listens")

    def finish_off(self, process: int) -> None:
        """The kubelet gives it 30 s to end. It listens no more from the first of them and only holds out for watches,
        whose clients go elsewhere; every second of that is one less API server.
        """
        clock = self.machine.clock
        began = clock.monotonic()
        while processes.runs(self.machine, process) and clock.monotonic() - began < _HOLD_OUT:
            # It may end by itself in this time.
            clock.sleep(0.2)
        if processes.runs(self.machine, process):
            processes.kill(self.machine, process)

    def await_end(self, process: int) -> None:
        """Until the previous process is gone, whose manifest has changed."""
        self.machine.retry_until(60, "the kubelet to stop the previous API server", lambda: self.stopped(process))
        self.finish_off(process)

    @contextmanager
    def ending(self, process: int | None) -> Iterator[None]:
        """Ends the process as soon as somebody else has had it replaced, by what goes on inside."""
        if process is None:
            yield
            return
        over = threading.Event()
        watch = threading.Thread(target=self._end_when_stopped, args=(process, over), daemon=True)
        watch.start()
        try:
            yield
        finally:
            over.set()
            watch.join()

    def _end_when_stopped(self, process: int, over: threading.Event) -> None:
        began = self.machine.clock.monotonic()
        while not over.is_set() and self.machine.clock.monotonic() - began < _WATCH_SECONDS:
            try:
                self.stopped(process)
            except NotYet:
                # Beside the run, which waits for kubeadm and ends this.
                over.wait(0.5)
                continue
            self.finish_off(process)
            return

    def await_service(self, pattern: str = f"{NAME} ", named: str = NAME) -> None:
        """Until a process whose command line begins with `pattern` has been ready for a while. Raises Failed."""
        assert self.apis is not None
        machine, api = self.machine, self.apis.anonymous(self.endpoint)
        since: float | None = None

        def serves() -> None:
            nonlocal since
            try:
                if processes.oldest(machine, pattern) is None:
                    raise NotYet("the previous API server has not been replaced yet")
                seen = api.is_ready()
            except NotYet:
                since = None
                raise
            now = machine.clock.monotonic()
            since = now if since is None else since
            if now - since < _READY_SECONDS:
                raise NotYet(seen)

        machine.unit = "kubelet.service"
        machine.retry_until(240, f"this machine's API server ({named}) to be ready", serves)

    def state(self) -> Literal["wanted", "stopped", "none"]:
        """Whether the kubelet is to run it, whether it is put aside, or neither."""
        if self.machine.path(MANIFEST).exists():
            return "wanted"
        return "stopped" if self.machine.path(ASIDE).exists() else "none"

    def stop(self) -> None:
        """Its manifest is aside, so that neither the kubelet nor a reboot starts it. May be called again."""
        machine, manifest, aside = self.machine, self.machine.path(MANIFEST), self.machine.path(ASIDE)
        if manifest.exists():
            aside.parent.mkdir(parents=True, exist_ok=True)
            manifest.replace(aside)
            machine.log("the manifest is aside")
        began = machine.clock.monotonic()
        machine.retry_until(120, "the API server to end", lambda: self._has_ended(began))
        machine.log("the API server is stopped")

    def _has_ended(self, began: float) -> None:
        """All that it knows is in etcd, so that nothing is lost when it is killed.

        One that does not listen any more and still runs may have a request to etcd on its way.
        """
        process = self.process()
        if process is None and not self.listens():
            return
        if process is not None and self.machine.clock.monotonic() - began >= PATIENCE:
            processes.kill(self.machine, process)
        raise NotYet(f"it listens at {self.endpoint}" if self.listens() else f"its process {process} runs")

    def start(self) -> None:
        """Its manifest comes back. May be called again."""
        manifest, aside = self.machine.path(MANIFEST), self.machine.path(ASIDE)
        if aside.exists() and not manifest.exists():
            aside.replace(manifest)
            self.machine.log("the manifest is back")


def others_serve(machine: Machine, apis: MachineApis, name: str, port: int) -> None:
    """The API stays when this machine's API server goes, or this is a lone control plane. Raises Failed otherwise."""
    nodes = {name_of(node): node for node in apis.admin().nodes(CONTROL_PLANES)}
    others = {other: address for other, node in nodes.items() if other != name and (address := _address(node))}
    serving = [other for other, address in others.items() if _is_ready(apis, f"{address}:{port}")]
    if not others:
        machine.log("this is the only control plane: the API is away while its server is changed")
    elif not serving:
        listed = ", ".join(others)
        raise Failed(f"no other API server is ready ({listed}): this one is not touched before one of them is")
    elif len(serving) < len(others):
        machine.log(f"of the others ({', '.join(others)}) only {', '.join(serving)} serve; going on")


def _is_ready(apis: MachineApis, endpoint: str) -> bool:
    try:
        apis.anonymous(endpoint).is_ready()
    except NotYet:
        return False
    return True


def _address(node: Object) -> str:
    """Empty for a node that has none yet."""
    addresses = (node.get("status") or {}).get("addresses") or []
    return next((str(each["address"]) for each in addresses if each.get("type") == "InternalIP"), "")
