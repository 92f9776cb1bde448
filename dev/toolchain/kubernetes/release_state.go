package main

import (
	"slices"

	"github.com/pulumi/pulumi/sdk/v3/go/property"
	"helm.sh/helm/v3/pkg/release"
	"helm.sh/helm/v3/pkg/releaseutil"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"
)

// releaseState is what is kept of a release: what `known` says of it with the values and the version that it has, its
// status, the names of the objects that it made, and the inputs, which are secret as a whole.
func releaseState(inputs, known property.Map, made *release.Release) property.Map {
	metadata := made.Chart.Metadata
	values := known.Get("values")
	known = known.
		Set("values", copySecrets(inputs.Get("values"), over(values, fromAny(orEmpty(made.Config))))).
		Set("version", property.New(metadata.Version))
	if textAt(known, "chart") == "" {
		known = known.Set("chart", property.New(metadata.Name))
	}
	return copySecrets(property.New(inputs), property.New(known)).AsMap().
		Set("resourceNames", fromAny(resourceNames(made))).
		Set("status", fromAny(map[string]any{
			"appVersion": metadata.AppVersion,
			"chart":      metadata.Name,
			"name":       made.Name,
			"namespace":  made.Namespace,
			"revision":   int64(made.Version),
			"status":     string(made.Info.Status),
			"version":    metadata.Version,
		})).
		Set(savedInputs, property.New(inputs).WithSecret(true))
}

func orEmpty(values map[string]any) map[string]any {
	if values == nil {
		return map[string]any{}
	}
	return values
}

// resourceNames are the names of a release's objects by kind, such as DaemonSet.apps/apps/v1.
func resourceNames(made *release.Release) map[string]any {
	names := map[string][]string{}
	for _, document := range releaseutil.SplitManifests(made.Manifest) {
		object := &unstructured.Unstructured{Object: map[string]any{}}
		if yaml.Unmarshal([]byte(document), &object.Object) != nil || object.GetKind() == "" {
			continue
		}
		name := object.GetName()
		if object.GetNamespace() != "" {
			name = object.GetNamespace() + "/" + name
		}
		kind := object.GroupVersionKind().GroupKind().String() + "/" + object.GetAPIVersion()
		names[kind] = append(names[kind], name)
	}
	sorted := map[string]any{}
	for kind, list := range names {
		slices.Sort(list)
		plain := []any{}
		for _, name := range slices.Compact(list) {
			plain = append(plain, name)
		}
		sorted[kind] = plain
	}
	return sorted
}
