package main

import (
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/dynamic"
)

// target is where the objects of one kind are, in one namespace or in none.
type target struct {
	dynamic.ResourceInterface
	namespace string
}

// id is the resource's id: namespace/name, or just the name.
func (target target) id(name string) string {
	if target.namespace == "" {
		return name
	}
	return target.namespace + "/" + name
}

// splitID is the way back.
func splitID(id string) (namespace, name string) {
	if before, after, ok := strings.Cut(id, "/"); ok {
		return before, after
	}
	return "", id
}

// findTarget asks the API server for a kind, past the cache of kinds where that does not know it.
func (cluster *Cluster) findTarget(kind schema.GroupVersionKind, namespace string) (target, error) {
	if err := cluster.reached(); err != nil {
		return target{}, err
	}
	mapping, err := cluster.clients.mapper.RESTMapping(kind.GroupKind(), kind.Version)
	if meta.IsNoMatchError(err) {
		cluster.clients.mapper.Reset()
		mapping, err = cluster.clients.mapper.RESTMapping(kind.GroupKind(), kind.Version)
	}
	if err != nil {
		return target{}, err
	}
	all := cluster.clients.dynamic.Resource(mapping.Resource)
	if mapping.Scope.Name() != meta.RESTScopeNameNamespace {
		return target{ResourceInterface: all}, nil
	}
	if namespace == "" {
		namespace = cluster.namespace
	}
	return target{ResourceInterface: all.Namespace(namespace), namespace: namespace}, nil
}

// clusterKinds are the built-in kinds whose objects are in no namespace.
var clusterKinds = []string{
	"APIService", "CSIDriver", "CSINode", "CertificateSigningRequest", "ClusterRole", "ClusterRoleBinding",
	"CustomResourceDefinition", "FlowSchema", "IngressClass", "MutatingWebhookConfiguration", "Namespace", "Node",
	"PersistentVolume", "PriorityClass", "PriorityLevelConfiguration", "RuntimeClass", "StorageClass",
	"ValidatingWebhookConfiguration", "VolumeAttachment",
}

// namespaced says whether objects of the kind are in a namespace; one that nobody knows counts as if they were.
func (cluster *Cluster) namespaced(kind schema.GroupVersionKind) bool {
	if slices.Contains(clusterKinds, kind.Kind) {
		return false
	}
	if cluster.unreachable != "" || cluster.clients == nil {
		return true
	}
	mapping, err := cluster.clients.mapper.RESTMapping(kind.GroupKind(), kind.Version)
	return err != nil || mapping.Scope.Name() == meta.RESTScopeNameNamespace
}
