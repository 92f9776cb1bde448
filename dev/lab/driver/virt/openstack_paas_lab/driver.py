"""nova's view of the containers of one compute host."""

import shutil
from pathlib import Path

import eventlet.timeout
import nova.conf
import os_resource_classes
from nova import exception
from nova.api.metadata import base as instance_metadata
from nova.compute import power_state
from nova.virt import configdrive, driver, hardware
from nova.virt.openstack_paas_lab import configuration, containers, network
from oslo_concurrency import processutils
from oslo_log import log as logging
from oslo_serialization import jsonutils

CONF = nova.conf.CONF
LOG = logging.getLogger(__name__)

# What a compute host claims to have. The real bounds are the machine's memory and the project's quota.
VCPUS, MEMORY_MB, DISK_GB = 64, 131072, 1000
# Seconds that a machine gets to shut down when asked to.
SHUTDOWN_GRACE = 15

STATES = {
    "RUNNING": power_state.RUNNING,
    "STARTING": power_state.RUNNING,
    "FROZEN": power_state.PAUSED,
    "STOPPED": power_state.SHUTDOWN,
    "STOPPING": power_state.SHUTDOWN,
    "ABORTING": power_state.SHUTDOWN,
}


class ContainerDriver(driver.ComputeDriver):
    """Instances as privileged system containers with systemd, on an overlay of their image.

    `unused` is what nova passes for volumes, accelerators and migrations, which the lab does not have.
    """

    capabilities = dict(driver.ComputeDriver.capabilities, supports_attach_interface=True, supports_image_type_raw=True)

    # --- the host

    def init_host(self, host):
        containers.instances().mkdir(parents=True, exist_ok=True)
        containers.images().mkdir(parents=True, exist_ok=True)

    def get_host_ip_addr(self):
        return CONF.my_ip

    def get_available_nodes(self, refresh=False):
        return [CONF.host]

    def get_available_resource(self, nodename):
        return {
            "vcpus": VCPUS,
            "memory_mb": MEMORY_MB,
            "local_gb": DISK_GB,
            **dict.fromkeys(("vcpus_used", "memory_mb_used", "local_gb_used"), 0),
            "disk_available_least": DISK_GB,
            "hypervisor_type": "lxc",
            "hypervisor_version": 5000,
            "hypervisor_hostname": nodename,
            "cpu_info": jsonutils.dumps({}),
            "supported_instances": [("x86_64", "lxc", "exe")],
            "numa_topology": None,
        }

    def update_provider_tree(self, provider_tree, nodename, allocations=None):
        ratios = self._get_allocation_ratios(provider_tree.data(nodename).inventory)
        classes = (os_resource_classes.VCPU, os_resource_classes.MEMORY_MB, os_resource_classes.DISK_GB)
        inventory = {}
        for name, total in zip(classes, (VCPUS, MEMORY_MB, DISK_GB), strict=True):
            limits = {"total": total, "min_unit": 1, "max_unit": total, "step_size": 1, "reserved": 0}
            inventory[name] = {**limits, "allocation_ratio": ratios[name]}
        provider_tree.update_inventory(nodename, inventory)

    # --- its instances

    def list_instance_uuids(self):
        return containers.uuids()

    list_instances = list_instance_uuids

    def get_info(self, instance, use_cache=True):
        if instance.uuid not in containers.uuids():
            raise exception.InstanceNotFound(instance_id=instance.uuid)
        return hardware.InstanceInfo(state=STATES.get(containers.state(instance.uuid), power_state.NOSTATE))

    def get_console_output(self, context, instance):
        return containers.console(instance.uuid)

    # --- starting and stopping an instance

    def spawn(
        self, context, instance, image_meta, injected_files, admin_password, allocations, network_info=None, **unused
    ):
        containers.ensure_base(context, instance.image_ref)
        network_info = list(network_info or [])  # waits until nova has allocated the ports
        delta = containers.folder(instance.uuid) / "delta"
        delta.mkdir(parents=True, exist_ok=True)
        delta.chmod(0o755)
        self._configure(instance, network_info)
        if configdrive.required_by(instance):
            self._write_config_drive(instance, injected_files, admin_password, network_info, delta)
        events = [("network-vif-plugged", vif["id"]) for vif in network_info if not vif.get("active", True)]
        try:
            with self.virtapi.wait_for_instance_event(
                instance, events, deadline=CONF.vif_plugging_timeout, error_callback=self._plugging_failed
            ):
                containers.start(instance.uuid)
        except containers.StartFailed as error:
            raise exception.BuildAbortException(
                instance_uuid=instance.uuid, reason=f"the container did not start: {error}"
            ) from error
        except eventlet.timeout.Timeout as error:
            # nova does not handle a timeout as an Exception: the instance would stay in the state BUILD.
            LOG.warning("The ports were not ready after %d s", CONF.vif_plugging_timeout, instance=instance)
            containers.stop(instance.uuid)
            raise exception.VirtualInterfaceCreateException() from error

    @staticmethod
    def _plugging_failed(event_name, instance):
        if CONF.vif_plugging_is_fatal:
            raise exception.VirtualInterfaceCreateException()

    @staticmethod
    def _write_config_drive(instance, injected_files, admin_password, network_info, delta):
        metadata = instance_metadata.InstanceMetadata(
            instance, content=injected_files, extra_md={"admin_pass": admin_password}, network_info=network_info
        )
        with configdrive.ConfigDriveBuilder(instance_md=metadata) as builder:
            builder._write_md_files(str(delta / "var/lib/cloud/seed/config_drive"))

    @staticmethod
    def _configure(instance, network_info):
        """Write LXC's configuration, the plain folders and the machine's network configuration."""
        folder, base = containers.folder(instance.uuid), containers.base(instance.image_ref)
        for path in configuration.PLAIN_FOLDERS:
            plain = folder / "plain" / path
            if not plain.exists():
                plain.mkdir(parents=True)
                if (base / path).is_dir():
                    processutils.execute("cp", "-a", f"{base / path}/.", str(plain))
        ports = [
            configuration.Port.of(number, vif, network.tap(vif), network.bridge(vif))
            for number, vif in enumerate(network_info)
        ]
        hostname, memory = instance.hostname or "machine", instance.flavor.memory_mb
        text = configuration.container(Path(CONF.state_path), folder, base, hostname, memory, ports)
        (folder / "config").write_text(text)
        interfaces = folder / "delta/etc/network/interfaces"
        interfaces.parent.mkdir(parents=True, exist_ok=True)
        interfaces.write_text(configuration.interfaces(ports))

    def _start_again(self, instance, network_info):
        self._configure(instance, list(network_info or []))
        self.unplug_vifs(instance, network_info)  # left when the machine was killed
        try:
            containers.start(instance.uuid)
        except containers.StartFailed as error:
            raise exception.InstancePowerOnFailure(reason=f"the container did not start: {error}") from error

    def power_on(self, context, instance, network_info, block_device_info=None, accel_info=None):
        if containers.state(instance.uuid) != "RUNNING":
            self._start_again(instance, network_info)

    def power_off(self, instance, timeout=0, retry_interval=0):
        containers.stop(instance.uuid, min(timeout, SHUTDOWN_GRACE))

    def reboot(self, context, instance, network_info, reboot_type, **unused):
        containers.stop(instance.uuid, 0 if reboot_type == "HARD" else SHUTDOWN_GRACE)
        self._start_again(instance, network_info)

    def resume_state_on_host_boot(self, context, instance, network_info, block_device_info=None):
        LOG.info("Starting again after the host's restart", instance=instance)
        self.power_on(context, instance, network_info)

    def destroy(self, context, instance, network_info, block_device_info=None, destroy_disks=True, **unused):
        containers.stop(instance.uuid)
        self.unplug_vifs(instance, network_info)
        if destroy_disks:
            self.cleanup(context, instance, network_info)

    def cleanup(self, context, instance, network_info, block_device_info=None, destroy_disks=True, **unused):
        containers.stop(instance.uuid)
        if destroy_disks:
            shutil.rmtree(containers.folder(instance.uuid), ignore_errors=True)
            locks = Path("/run/lxc/lock") / containers.instances().relative_to("/")
            shutil.rmtree(locks / f".{instance.uuid}", ignore_errors=True)

    # --- its ports

    def plug_vifs(self, instance, network_info):
        """Nothing: LXC makes the ports when the container starts."""

    def unplug_vifs(self, instance, network_info):
        for vif in network_info or []:
            network.unplug(vif)

    def attach_interface(self, context, instance, image_meta, vif):
        first_process = containers.lxc("info", instance.uuid, "-p", "-H")
        network.attach(first_process, vif)

    def detach_interface(self, context, instance, vif):
        network.unplug(vif)
