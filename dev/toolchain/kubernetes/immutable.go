package main

import p "github.com/pulumi/pulumi-go-provider"

// immutableFields are those whose change replaces an object of the kind. The official provider's table, cut down to the
// kinds that people make.
var immutableFields = map[string][]string{
	"PersistentVolumeClaim": {"spec.accessModes", "spec.storageClassName", "spec.volumeName", "spec.selector"},
	"Service":               {"spec.clusterIP"},
	"Deployment":            {"spec.selector"},
	"DaemonSet":             {"spec.selector"},
	"StatefulSet": {
		"spec.selector", "spec.serviceName", "spec.podManagementPolicy", "spec.volumeClaimTemplates",
		"spec.revisionHistoryLimit",
	},
	"Job":                {"spec.template", "spec.selector", "spec.completions", "spec.parallelism"},
	"Pod":                {"spec"},
	"ResourceQuota":      {"spec.scopes"},
	"StorageClass":       {"provisioner", "parameters"},
	"RoleBinding":        {"roleRef"},
	"ClusterRoleBinding": {"roleRef"},
}

// immutable lists the fields of an object whose change replaces the resource. As with the official provider, a change
// of a ConfigMap's or Secret's content makes a new one, unless the provider's options say that they are mutable.
func (cluster *Cluster) immutable(request p.DiffRequest) []string {
	kind := textAt(request.Inputs, "kind")
	fields := append([]string{"metadata.name", "metadata.namespace"}, immutableFields[kind]...)
	frozen := isSet(request.Inputs, "immutable")
	switch kind {
	case "ConfigMap":
		if frozen || !cluster.options.flag("enableConfigMapMutable", "PULUMI_K8S_ENABLE_CONFIGMAP_MUTABLE") {
			fields = append(fields, "data", "binaryData")
		}
	case "Secret":
		fields = append(fields, "type")
		if frozen || !cluster.options.flag("enableSecretMutable", "PULUMI_K8S_ENABLE_SECRET_MUTABLE") {
			fields = append(fields, "data", "stringData")
		}
	}
	return fields
}
