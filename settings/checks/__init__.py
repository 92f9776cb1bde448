"""The checks that need no cloud: one table of rules, all of which run every time."""

from collections.abc import Iterator
from datetime import UTC, date, datetime
from typing import Final

from settings.checks import (
    backups,
    changes,
    database,
    etcd,
    kubernetes,
    machines,
    mirrors,
    networks,
    pools,
    replacement,
    versions,
    vips,
)
from settings.problem import Problem
from settings.rules import Context, Rule, found

#: In `Problem.others`: whatever says how many machines the pools have, and which pods they take.
ANY_POOL: Final = "workers.*"
SIZES_OF_A_POOL: Final = ("count", "machines", "taints", "firstAddress")

RULES: Final[tuple[Rule[Context], ...]] = (
    Rule("error", networks.networks_hold_the_fixed_roles),
    Rule("error", networks.private_network_holds_every_worker, needs_plan=True),
    Rule("error", machines.etcd_has_an_odd_number_of_members),
    Rule("error", machines.production_has_an_odd_number_of_control_planes),
    Rule("error", pools.pools_list_their_machines_once),
    Rule("error", pools.one_pool_leaves_out_its_first_address),
    Rule("error", pools.pools_share_no_address),
    Rule("error", networks.ranges_do_not_overlap),
    Rule("error", networks.ranges_are_not_reserved),
    Rule("error", networks.every_node_has_a_range_of_pods),
    Rule("error", networks.kube_apiserver_accepts_the_range_of_services),
    Rule("error", networks.neutron_accepts_the_name_servers),
    Rule("error", networks.outside_addresses_are_outside),
    Rule("error", networks.pulumi_and_openstack_accept_who_may_come_in),
    Rule("error", networks.certificate_names_are_names_listed_once),
    Rule("error", etcd.elections_wait_for_several_heartbeats),
    Rule("error", etcd.volume_holds_the_database),
    Rule("error", etcd.an_empty_etcd_is_wanted_today),
    Rule("error", pools.nodes_may_have_their_labels_and_taints),
    Rule("error", kubernetes.documents_leave_out_what_the_platform_sets),
    Rule("error", kubernetes.kubelet_uses_systemd_and_knows_who_asks),
    Rule("error", kubernetes.kube_proxy_has_a_known_mode),
    Rule("error", machines.machines_are_within_limits),
    Rule("error", machines.pods_and_containers_are_within_limits),
    Rule("error", mirrors.urls_have_a_host_and_a_port),
    Rule("error", mirrors.suites_have_their_components),
    Rule("error", mirrors.images_name_the_mirrors_of_registries),
    Rule("error", mirrors.hosts_without_proxy_are_hosts),
    Rule("error", mirrors.repositories_belong_to_names_of_charts),
    Rule("error", database.volumes_have_folders_of_their_own),
    Rule("error", database.namespace_is_free),
    Rule("error", database.name_is_free),
    Rule("error", database.buffer_pool_fits_into_memory),
    Rule("error", database.a_replica_can_acknowledge),
    Rule("error", database.a_node_takes_the_database),
    Rule("error", machines.zones_are_names_listed_once),
    Rule("error", versions.packages_may_be_pinned),
    Rule("error", backups.intervals_divide_an_hour_or_a_day),
    Rule("error", backups.places_for_copies_have_their_secrets),
    Rule("error", versions.kubernetes_is_known),
    Rule("error", versions.kubernetes_goes_up_by_one_minor_version),
    Rule("error", versions.new_stacks_start_with_a_supported_version),
    Rule("error", versions.containerd_is_new_enough_for_the_kubelet),
    Rule("error", versions.etcd_is_known),
    Rule("error", versions.etcd_has_a_digest),
    Rule("error", versions.etcd_goes_up_by_one_minor_version),
    Rule("error", changes.authorities_are_trusted_before_they_issue),
    Rule("error", changes.ssh_keys_are_accepted_before_they_log_in),
    Rule("error", changes.certificates_outlive_their_renewal),
    Rule("error", vips.provider_network_has_a_range_and_a_vip),
    Rule("error", vips.settings_fit_the_kind_of_public_vip),
    Rule("error", vips.every_gateway_has_an_edge_address),
    Rule("error", vips.edge_addresses_are_free),
    Rule("error", vips.private_vip_is_free),
    Rule("error", machines.host_names_are_unique, needs_plan=True),
    Rule("error", machines.host_names_fit_dns, needs_plan=True),
    Rule("error", changes.fixed_settings_stay, needs_plan=True),
    Rule("error", changes.gateways_keep_their_addresses, needs_plan=True),
    Rule("error", changes.workers_keep_their_addresses, needs_plan=True),
    Rule("error", replacement.replaced_machines_exist, needs_plan=True),
    Rule("error", replacement.lost_volumes_are_of_replaced_machines, needs_plan=True),
    Rule("error", replacement.changed_machines_keep_their_data_and_are_named, needs_plan=True),
    Rule("error", replacement.every_role_can_spare_its_replaced_machines, needs_plan=True),
    Rule("error", replacement.the_only_member_of_etcd_keeps_its_data, needs_plan=True),
    Rule("warning", machines.other_presets_have_an_odd_number_of_control_planes),
    Rule("warning", machines.production_has_no_single_machine),
    Rule("warning", machines.preset_has_enough_nodes),
    Rule("warning", networks.every_name_server_is_asked),
    Rule("warning", networks.ranges_are_private),
    Rule("warning", etcd.database_is_small),
    Rule("warning", kubernetes.kubeadm_checks_something),
    Rule("warning", mirrors.charts_are_of_installed_addons),
    Rule("warning", mirrors.octavia_settings_are_used),
    Rule("warning", database.a_node_takes_pods),
    Rule("warning", database.buffer_pool_leaves_memory_to_connections),
    Rule("warning", database.every_replica_has_a_node),
    Rule("warning", database.volumes_hold_the_database),
    Rule("warning", database.production_has_a_replica),
    Rule("warning", database.production_commits_to_a_replica),
    Rule("warning", database.another_replica_can_acknowledge),
    Rule("warning", backups.production_has_backups),
    Rule("warning", backups.copies_of_the_database_leave_the_cluster),
    Rule("warning", backups.there_are_copies_to_encrypt),
    Rule("warning", mirrors.packages_over_plain_http_are_signed),
    Rule("warning", machines.one_zone_does_not_hold_the_quorum),
    Rule("warning", versions.kubernetes_is_supported),
    Rule("warning", versions.kubernetes_was_tested),
    Rule("warning", versions.patch_upgrades_are_announced),
    Rule("warning", vips.outside_access_fails_over),
    Rule("warning", vips.private_vip_leaves_room_for_machines),
    Rule("warning", replacement.named_machines_change, needs_plan=True),
    Rule("warning", replacement.changes_are_applied_to_all_machines, needs_plan=True),
    Rule("warning", replacement.replaced_machines_are_not_alone, needs_plan=True),
    Rule("warning", replacement.forms_of_running_machines_are_known, needs_plan=True),
    Rule("warning", replacement.claimed_volumes_survive_a_replacement, needs_plan=True),
)


def today() -> date:
    """The day by which versions are supported or not, in UTC as on machines."""
    return datetime.now(UTC).date()


def errors(context: Context) -> Iterator[Problem]:
    """Everything that makes a platform impossible."""
    return found([rule for rule in RULES if context.planned or not rule.needs_plan], "error", context)


def warnings(context: Context) -> Iterator[Problem]:
    """What is allowed but unwise. It is asked only where there is a plan."""
    return found(RULES, "warning", context)
