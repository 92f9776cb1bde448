package main

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"

	p "github.com/pulumi/pulumi-go-provider"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/pulumi/pulumi/sdk/v3/go/property"
	"helm.sh/helm/v3/pkg/chart"
	"helm.sh/helm/v3/pkg/release"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

func TestPlainHTTPIsForThisMachineAndListedHosts(t *testing.T) {
	t.Setenv(plainHTTPHosts, "172.24.4.1:5000, mirror")
	for reference, wanted := range map[string]bool{
		"oci://localhost:5000/charts/x":  true,
		"oci://127.0.0.1/charts/x":       true,
		"oci://172.24.4.1:5000/charts/x": true,
		"oci://mirror:80/x":              true,
		"oci://172.24.4.1:5001/charts/x": false,
		"oci://example.org/x":            false,
	} {
		if plainHTTP(reference) != wanted {
			t.Errorf("%s: %v", reference, !wanted)
		}
	}
}

func TestRegistryMayBeInTheRepositoryOptions(t *testing.T) {
	from := source(properties(map[string]any{
		"chart": "flannel", "version": "1.0.0", "repositoryOpts": map[string]any{"repo": "oci://localhost:5000/charts/"},
	}))
	if from.reference != "oci://localhost:5000/charts/flannel" || from.options.RepoURL != "" || !from.options.PlainHTTP {
		t.Fatalf("%+v", from)
	}
}

func TestValuesGoOverValueFiles(t *testing.T) {
	values, err := chartValues(properties(map[string]any{
		"values": map[string]any{"a": map[string]any{"b": "values"}, "n": 8080.0},
	}))
	if err != nil || fmt.Sprint(values) != "map[a:map[b:values] n:8080]" {
		t.Fatalf("%v %v", values, err)
	}
}

func TestOnlyValuesThatAChartWouldSeeDrift(t *testing.T) {
	last := &release.Release{
		Config: map[string]any{"replicas": 2.0},
		Chart:  &chart.Chart{Metadata: &chart.Metadata{Version: "1.2.3"}},
	}
	same := properties(map[string]any{"values": map[string]any{"replicas": 2.0}, "version": "v1.2.3"})
	if fmt.Sprint(mapToAny(driftedInputs(same, last))) != fmt.Sprint(mapToAny(same)) {
		t.Error("drift without a change")
	}
	other := properties(map[string]any{"values": map[string]any{"replicas": 3.0}, "version": "1.2.2"})
	if got := fmt.Sprint(mapToAny(driftedInputs(other, last))); got != "map[values:map[replicas:2] version:1.2.3]" {
		t.Error(got)
	}
}

func TestChecksumFollowsTheContentOfALocalChart(t *testing.T) {
	folder := t.TempDir()
	file := filepath.Join(folder, "Chart.yaml")
	if err := os.WriteFile(file, []byte("name: a"), 0o600); err != nil {
		t.Fatal(err)
	}
	before := checksum(folder)
	if err := os.WriteFile(file, []byte("name: b"), 0o600); err != nil {
		t.Fatal(err)
	}
	if before == "" || checksum(folder) == before || checksum("oci://x/y") != "" {
		t.Fatal(before)
	}
}

func urnOf(token string) resource.URN { return resource.URN("urn:pulumi:s::p::" + token + "::one") }

func TestUnsupportedInputsAreRefused(t *testing.T) {
	cluster := newCluster()
	response := cluster.checkRelease(p.CheckRequest{
		Urn: urnOf(releaseToken),
		Inputs: properties(map[string]any{
			"chart": "x", "lint": true, "verify": false, "surprise": "x", "repositoryOpts": map[string]any{"odd": "x"},
		}),
	})
	var refused []string
	for _, failure := range response.Failures {
		refused = append(refused, failure.Property)
	}
	slices.Sort(refused)
	if !slices.Equal(refused, []string{"lint", "repositoryOpts.odd", "surprise"}) {
		t.Errorf("%v", refused)
	}
	patch := cluster.checkObject(p.CheckRequest{Urn: urnOf("kubernetes:core/v1:ConfigMapPatch")})
	if len(patch.Failures) != 1 {
		t.Error("a patch is not refused")
	}
}

func TestAutomaticNameStays(t *testing.T) {
	cluster := newCluster()
	request := p.CheckRequest{Urn: urnOf("kubernetes:core/v1:Namespace")}
	first := cluster.checkObject(request).Inputs
	request.State = first
	second := cluster.checkObject(request).Inputs
	name := textAt(first, "metadata", "name")
	if name == "" || textAt(second, "metadata", "name") != name {
		t.Fatalf("%s, then %s", name, textAt(second, "metadata", "name"))
	}
}

func TestStateDecidesWhatIsReplaced(t *testing.T) {
	cluster := newCluster()
	inputs := func(size float64, class string) property.Map {
		return properties(map[string]any{
			"kind": "PersistentVolumeClaim", "metadata": map[string]any{"name": "data"},
			"spec": map[string]any{"storageClassName": class, "size": size},
		})
	}
	request := p.DiffRequest{
		Urn:    urnOf("kubernetes:core/v1:PersistentVolumeClaim"),
		State:  inputs(1, "slow").Set(savedInputs, property.New(inputs(1, "slow"))),
		Inputs: inputs(2, "fast"),
	}
	response, err := cluster.diff(t.Context(), request)
	if err != nil || response.DetailedDiff["spec.size"].Kind != p.Update ||
		response.DetailedDiff["spec.storageClassName"].Kind != p.UpdateReplace || !response.DeleteBeforeReplace {
		t.Fatalf("%+v %v", response, err)
	}
}

func TestReadinessFollowsTheKind(t *testing.T) {
	cluster := newCluster()
	object := func(kind string, status map[string]any) *unstructured.Unstructured {
		return &unstructured.Unstructured{Object: map[string]any{
			"apiVersion": "apps/v1", "kind": kind, "metadata": map[string]any{"generation": int64(2)},
			"spec": map[string]any{"replicas": int64(2)}, "status": status,
		}}
	}
	whole := map[string]any{
		"observedGeneration": int64(2), "updatedReplicas": int64(2), "readyReplicas": int64(2),
		"availableReplicas": int64(2), "replicas": int64(2),
	}
	old := map[string]any{"observedGeneration": int64(1), "updatedReplicas": int64(2), "readyReplicas": int64(2)}
	for _, kind := range []string{"Deployment", "StatefulSet"} {
		if !cluster.look(t.Context(), object(kind, whole)).ready {
			t.Errorf("%s is not ready", kind)
		}
		if cluster.look(t.Context(), object(kind, old)).ready {
			t.Errorf("%s is ready before its controller has seen the change", kind)
		}
	}
}
