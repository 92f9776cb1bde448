package main

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/pulumi/pulumi/sdk/v3/go/property"
	"helm.sh/helm/v3/pkg/release"
	"helm.sh/helm/v3/pkg/releaseutil"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"
)

// releaseState is what is kept of a release: the inputs, its status, and the objects that it made. The rendered
// manifest may hold secret values, so it is secret.
func releaseState(inputs property.Map, made *release.Release) property.Map {
	status := map[string]any{
		"name":      made.Name,
		"namespace": made.Namespace,
		"revision":  int64(made.Version),
		"status":    string(made.Info.Status),
	}
	state := inputs
	if made.Chart != nil && made.Chart.Metadata != nil {
		status["chart"] = made.Chart.Metadata.Name
		status["version"] = made.Chart.Metadata.Version
		status["appVersion"] = made.Chart.Metadata.AppVersion
		state = state.Set("version", property.New(made.Chart.Metadata.Version))
	}
	names, manifest := map[string][]string{}, map[string]any{}
	for _, object := range objects(made) {
		name := object.GetName()
		if object.GetNamespace() != "" {
			name = object.GetNamespace() + "/" + name
		}
		kind := object.GetKind() + "/" + object.GetAPIVersion()
		names[kind] = append(names[kind], name)
		manifest[strings.ToLower(kind)+"/"+name] = object.Object
	}
	sorted := map[string]any{}
	for kind, list := range names {
		slices.Sort(list)
		plain := make([]any, len(list))
		for index, name := range list {
			plain[index] = name
		}
		sorted[kind] = plain
	}
	return state.
		Set("status", fromAny(status)).
		Set("resourceNames", fromAny(sorted)).
		Set("manifest", fromAny(manifest).WithSecret(true)).
		Set(savedInputs, property.New(inputs))
}

// objects are the objects of a rendered manifest.
func objects(made *release.Release) (list []*unstructured.Unstructured) {
	for _, document := range releaseutil.SplitManifests(made.Manifest) {
		object := map[string]any{}
		if yaml.Unmarshal([]byte(document), &object) == nil && object["kind"] != nil {
			list = append(list, &unstructured.Unstructured{Object: object})
		}
	}
	return list
}

const (
	// explainTime is what finding out about a failed release may take.
	explainTime = 15 * time.Second
	// explainObjects is how many unready objects an error names.
	explainObjects = 5
)

// explainRelease adds to Helm's error which of the release's objects are not ready, where they still exist.
func (cluster *Cluster) explainRelease(made *release.Release, failure error) error {
	if made == nil {
		return failure
	}
	// The operation's own time is over by now, mostly.
	ctx, done := context.WithTimeout(context.Background(), explainTime)
	defer done()
	var unready []string
	for _, object := range objects(made) {
		namespace := object.GetNamespace()
		if namespace == "" {
			namespace = made.Namespace
		}
		found, err := cluster.findTarget(ctx, object.GroupVersionKind(), namespace)
		if err != nil {
			continue
		}
		live, err := found.Get(ctx, object.GetName(), metav1.GetOptions{})
		if err != nil {
			continue
		}
		if seen := cluster.look(ctx, live); !seen.ready {
			unready = append(unready, fmt.Sprintf("%s %s: %s", live.GetKind(), found.id(live.GetName()), seen.why))
		}
		if len(unready) == explainObjects {
			break
		}
	}
	if len(unready) == 0 {
		return failure
	}
	return fmt.Errorf("%w; not ready: %s", failure, strings.Join(unready, "; "))
}
