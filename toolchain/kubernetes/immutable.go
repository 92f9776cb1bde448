package main

import p "github.com/pulumi/pulumi-go-provider"

// immutableFields are those whose change replaces an object of the kind: the API server does not let them change. Cut
// down from the official provider's table to the kinds of the built-in APIs that people make.
var immutableFields = map[string][]string{
	"PersistentVolumeClaim": {
		"spec.accessModes", "spec.storageClassName", "spec.volumeName", "spec.volumeMode", "spec.selector",
	},
	"Service":     {"spec.clusterIP"},
	"Deployment":  {"spec.selector"},
	"DaemonSet":   {"spec.selector"},
	"ReplicaSet":  {"spec.selector"},
	"StatefulSet": {"spec.selector", "spec.serviceName", "spec.podManagementPolicy", "spec.volumeClaimTemplates"},
	"Job":         {"spec.template", "spec.selector", "spec.completions", "spec.completionMode"},
	"Pod":         {"spec"},
	"StorageClass": {
		"provisioner", "parameters", "reclaimPolicy", "volumeBindingMode",
	},
	"RoleBinding":        {"roleRef"},
	"ClusterRoleBinding": {"roleRef"},
	"IngressClass":       {"spec.controller"},
	"CSIDriver":          {"spec"},
}

// immutable lists the fields whose change replaces the resource. As with the official provider, a change of a
// ConfigMap's or Secret's content makes a new one, unless the provider's options say that they are mutable.
func (cluster *Cluster) immutable(request p.DiffRequest) []string {
	if isRelease(request.Urn) {
		return []string{"name", "namespace"}
	}
	kind := textAt(request.Inputs, "kind")
	fields := append(
		[]string{"apiVersion", "kind", "metadata.name", "metadata.namespace"}, immutableFields[kind]...,
	)
	switch kind {
	case "ConfigMap":
		if !cluster.options.flag("enableConfigMapMutable", "PULUMI_K8S_ENABLE_CONFIGMAP_MUTABLE") {
			fields = append(fields, "data", "binaryData", "immutable")
		}
	case "Secret":
		fields = append(fields, "type")
		if !cluster.options.flag("enableSecretMutable", "PULUMI_K8S_ENABLE_SECRET_MUTABLE") {
			fields = append(fields, "data", "stringData", "immutable")
		}
	}
	return fields
}
