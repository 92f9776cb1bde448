package main

// version is that of the official provider that the SDK asks for.
const version = "5.5.3"

// member is a module of the SDK and the name of a class or function in it.
type member struct{ module, name string }

// resources gives each Terraform resource the class of the SDK.
var resources = map[string]member{
	"openstack_networking_network_v2":                 {"networking", "Network"},
	"openstack_networking_subnet_v2":                  {"networking", "Subnet"},
	"openstack_networking_subnet_route_v2":            {"networking", "SubnetRoute"},
	"openstack_networking_router_v2":                  {"networking", "Router"},
	"openstack_networking_router_interface_v2":        {"networking", "RouterInterface"},
	"openstack_networking_router_route_v2":            {"networking", "RouterRoute"},
	"openstack_networking_port_v2":                    {"networking", "Port"},
	"openstack_networking_port_secgroup_associate_v2": {"networking", "PortSecGroupAssociate"},
	"openstack_networking_portforwarding_v2":          {"networking", "PortForwardingV2"},
	"openstack_networking_floatingip_v2":              {"networking", "FloatingIp"},
	"openstack_networking_floatingip_associate_v2":    {"networking", "FloatingIpAssociate"},
	"openstack_networking_secgroup_v2":                {"networking", "SecGroup"},
	"openstack_networking_secgroup_rule_v2":           {"networking", "SecGroupRule"},

	"openstack_compute_keypair_v2":          {"compute", "Keypair"},
	"openstack_compute_servergroup_v2":      {"compute", "ServerGroup"},
	"openstack_compute_instance_v2":         {"compute", "Instance"},
	"openstack_compute_interface_attach_v2": {"compute", "InterfaceAttach"},
	"openstack_compute_volume_attach_v2":    {"compute", "VolumeAttach"},

	"openstack_blockstorage_volume_v3": {"blockstorage", "Volume"},

	"openstack_images_image_v2": {"images", "Image"},

	"openstack_lb_loadbalancer_v2": {"loadbalancer", "LoadBalancer"},
	"openstack_lb_listener_v2":     {"loadbalancer", "Listener"},
	"openstack_lb_pool_v2":         {"loadbalancer", "Pool"},
	"openstack_lb_member_v2":       {"loadbalancer", "Member"},
	"openstack_lb_members_v2":      {"loadbalancer", "Members"},
	"openstack_lb_monitor_v2":      {"loadbalancer", "Monitor"},

	"openstack_identity_application_credential_v3": {"identity", "ApplicationCredential"},

	"openstack_objectstorage_container_v1": {"objectstorage", "Container"},
}

// dataSources gives each Terraform data source the function of the SDK.
var dataSources = map[string]member{
	"openstack_networking_network_v2":    {"networking", "getNetwork"},
	"openstack_networking_subnet_v2":     {"networking", "getSubnet"},
	"openstack_networking_subnet_ids_v2": {"networking", "getSubnetIdsV2"},
	"openstack_networking_router_v2":     {"networking", "getRouter"},
	"openstack_networking_port_v2":       {"networking", "getPort"},
	"openstack_networking_port_ids_v2":   {"networking", "getPortIds"},
	"openstack_networking_floatingip_v2": {"networking", "getFloatingIp"},
	"openstack_networking_secgroup_v2":   {"networking", "getSecGroup"},
	"openstack_networking_quota_v2":      {"networking", "getQuotaV2"},

	"openstack_compute_flavor_v2":             {"compute", "getFlavor"},
	"openstack_compute_availability_zones_v2": {"compute", "getAvailabilityZones"},
	"openstack_compute_instance_v2":           {"compute", "getInstanceV2"},
	"openstack_compute_keypair_v2":            {"compute", "getKeypair"},
	"openstack_compute_limits_v2":             {"compute", "getLimitsV2"},
	"openstack_compute_quotaset_v2":           {"compute", "getQuotaSetV2"},

	"openstack_blockstorage_availability_zones_v3": {"blockstorage", "getAvailabilityZonesV3"},
	"openstack_blockstorage_volume_v3":             {"blockstorage", "getVolumeV3"},

	"openstack_images_image_v2":     {"images", "getImage"},
	"openstack_images_image_ids_v2": {"images", "getImageIds"},

	"openstack_identity_auth_scope_v3": {"identity", "getAuthScope"},
	"openstack_identity_project_v3":    {"identity", "getProject"},
}
