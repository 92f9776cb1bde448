package main

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	p "github.com/pulumi/pulumi-go-provider"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/pulumi/pulumi/sdk/v3/go/property"
	"helm.sh/helm/v3/pkg/chart"
	"helm.sh/helm/v3/pkg/release"
)

func urnOf(token string) resource.URN { return resource.URN("urn:pulumi:s::p::" + token + "::one") }

// localChart is a folder with a chart of that version.
func localChart(t *testing.T, version string) string {
	t.Helper()
	folder := t.TempDir()
	text := "apiVersion: v2\nname: small\nversion: " + version + "\n"
	if err := os.WriteFile(filepath.Join(folder, "Chart.yaml"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return folder
}

func checked(t *testing.T, inputs map[string]any) p.CheckResponse {
	t.Helper()
	cluster := newCluster()
	cluster.namespace = "default"
	return cluster.checkRelease(p.CheckRequest{Urn: urnOf(releaseToken), Inputs: properties(inputs)})
}

// made is what Helm returns.
func made(values map[string]any) *release.Release {
	return &release.Release{
		Name: "small", Namespace: "default", Version: 3, Config: values,
		Info:  &release.Info{Status: release.StatusDeployed},
		Chart: &chart.Chart{Metadata: &chart.Metadata{Name: "small", Version: "1.2.3", AppVersion: "9"}},
		Manifest: "kind: DaemonSet\napiVersion: apps/v1\nmetadata: {name: b, namespace: inner}\n---\n" +
			"kind: ConfigMap\napiVersion: v1\nmetadata: {name: a}\n",
	}
}

// official are the properties that the official provider 4.34 records of a Release.
var official = []string{
	"allowNullValues", "atomic", "chart", "cleanupOnFail", "createNamespace", "dependencyUpdate", "description", "devel",
	"disableCRDHooks", "disableOpenapiValidation", "disableWebhooks", "forceUpdate", "keyring", "lint", "name",
	"namespace", "postrender", "recreatePods", "renderSubchartNotes", "replace", "resetValues", "reuseValues",
	"skipAwait", "skipCrds", "takeOwnership", "timeout", "values", "verify", "version", "waitForJobs",
}

func TestEveryValueIsRecordedWhetherItIsSetOrNot(t *testing.T) {
	place := localChart(t, "1.2.3")
	response := checked(t, map[string]any{"name": "small", "chart": place, "atomic": true, "compat": "true"})
	if len(response.Failures) > 0 {
		t.Fatal(response.Failures)
	}
	if names := slices.Sorted(maps.Keys(response.Inputs.AsMap())); !slices.Equal(names, official) {
		t.Fatalf("%v", names)
	}
	got := mapToAny(response.Inputs)
	for name, wanted := range map[string]any{
		"atomic": true, "lint": false, "keyring": "", "timeout": int64(300), "namespace": "default", "version": "1.2.3",
	} {
		if got[name] != wanted {
			t.Errorf("%s: %v", name, got[name])
		}
	}
	given := checked(t, map[string]any{
		"chart": place, "maxHistory": 5.0, "skipAwait": true, "repositoryOpts": map[string]any{"repo": "https://x.example"},
	}).Inputs
	if !given.Get("maxHistory").IsNumber() || mapAt(given, "repositoryOpts").Len() != 6 || given.Get("timeout").AsNumber() != 0 {
		t.Errorf("%v", mapToAny(given))
	}
}

func TestAChartThatCannotBeHadFailsThePreviewOnceAllIsKnown(t *testing.T) {
	inputs := map[string]any{"chart": "./missing"}
	response := checked(t, inputs)
	if len(response.Failures) != 1 || response.Failures[0].Property != "chart" ||
		!strings.HasSuffix(response.Failures[0].Reason, "; check the chart name and repository configuration.") {
		t.Fatalf("%v", response.Failures)
	}
	unknown := properties(inputs).Set("values", property.New(property.Computed))
	cluster := newCluster()
	response = cluster.checkRelease(p.CheckRequest{Urn: urnOf(releaseToken), Inputs: unknown})
	if len(response.Failures) > 0 || !response.Inputs.Get("values").IsComputed() {
		t.Fatalf("%v", response)
	}
}

func TestAContentOfTheSameVersionIsNoDifference(t *testing.T) {
	place := localChart(t, "1.2.3")
	before := checked(t, map[string]any{"name": "small", "chart": place}).Inputs
	if err := os.WriteFile(filepath.Join(place, "values.yaml"), []byte("other: true"), 0o600); err != nil {
		t.Fatal(err)
	}
	after := checked(t, map[string]any{"name": "small", "chart": place}).Inputs
	if response := diffRelease(p.DiffRequest{State: releaseState(before, before, made(nil)), Inputs: after}); response.HasChanges {
		t.Fatalf("%v", response.DetailedDiff)
	}
}

func TestTheStateOfAReleaseIsTheOfficialOne(t *testing.T) {
	inputs := checked(t, map[string]any{"name": "small", "chart": localChart(t, "1.2.3")}).Inputs
	secret := property.New("hidden").WithSecret(true)
	inputs = inputs.Set("values", property.New(property.NewMap(map[string]property.Value{"token": secret})))
	state := releaseState(inputs, inputs, made(map[string]any{"token": "hidden", "other": 1.0}))
	wanted := append([]string{savedInputs, "resourceNames", "status"}, official...)
	slices.Sort(wanted)
	if names := slices.Sorted(maps.Keys(state.AsMap())); !slices.Equal(names, wanted) {
		t.Errorf("%v", names)
	}
	if !state.Get(savedInputs).Secret() || !at(state, "values", "token").Secret() || at(state, "values", "other").Secret() {
		t.Error("secrets")
	}
	got := mapToAny(state)
	if text := fmt.Sprint(got["resourceNames"]); text != "map[ConfigMap/v1:[a] DaemonSet.apps/apps/v1:[inner/b]]" {
		t.Error(text)
	}
	if text := fmt.Sprint(got["status"]); text !=
		"map[appVersion:9 chart:small name:small namespace:default revision:3 status:deployed version:1.2.3]" {
		t.Error(text)
	}
}

func TestAReleaseIsComparedWithWhatIsLive(t *testing.T) {
	inputs := checked(t, map[string]any{
		"name": "small", "chart": localChart(t, "1.2.3"), "values": map[string]any{"replicas": 2.0, "gone": true},
	}).Inputs
	state := releaseState(inputs, inputs, made(map[string]any{"replicas": 2.0, "gone": true, "foreign": "x"}))
	if response := diffRelease(p.DiffRequest{State: state, Inputs: inputs}); response.HasChanges {
		t.Errorf("%v", response.DetailedDiff)
	}
	drifted := releaseState(inputs, inputs, made(map[string]any{"replicas": 3.0}))
	if response := diffRelease(p.DiffRequest{State: drifted, Inputs: inputs}); response.DetailedDiff["values.replicas"].Kind != p.Update {
		t.Errorf("%v", response.DetailedDiff)
	}
	fewer := inputs.Set("values", fromAny(map[string]any{"replicas": 2.0})).Set("namespace", property.New("other"))
	response := diffRelease(p.DiffRequest{State: state, Inputs: fewer})
	if response.DetailedDiff["values.gone"].Kind != p.Delete || response.DetailedDiff["namespace"].Kind != p.UpdateReplace {
		t.Errorf("%v", response.DetailedDiff)
	}
}

func TestAStateOfAnEarlierStandInIsUpdatedInPlaceOnce(t *testing.T) {
	place := localChart(t, "1.2.3")
	old := map[string]any{"name": "small", "namespace": "default", "chart": place, "compat": "true", "checksum": "x", "timeout": 300.0}
	state := properties(old).Set(savedInputs, fromAny(old)).Set("version", property.New("1.2.3"))
	now := checked(t, old).Inputs
	response := diffRelease(p.DiffRequest{State: state, Inputs: now})
	if !response.HasChanges {
		t.Error("its state stays as it is")
	}
	for path, change := range response.DetailedDiff {
		if strings.Contains(string(change.Kind), "replace") {
			t.Errorf("%s replaces", path)
		}
	}
	if again := diffRelease(p.DiffRequest{State: releaseState(now, now, made(nil)), Inputs: now}); again.HasChanges {
		t.Errorf("%v", again.DetailedDiff)
	}
}

func TestAFailedReleaseSpeaksTheOfficialWords(t *testing.T) {
	inputs := properties(map[string]any{"namespace": "n", "name": "r"})
	text := failure(inputs, fmt.Errorf("context deadline exceeded")).Error()
	if text != "failed to become available within allocated timeout. Error: Helm Release n/r: context deadline exceeded" {
		t.Fatal(text)
	}
}

func TestARegistryIsInTheNameOfTheChart(t *testing.T) {
	from := source(properties(map[string]any{
		"chart": "oci://localhost:5000/charts/flannel", "repositoryOpts": map[string]any{"repo": "https://x.example"},
	}))
	if from.reference != "oci://localhost:5000/charts/flannel" || from.options.RepoURL != "" {
		t.Errorf("%+v", from)
	}
	from = source(properties(map[string]any{"chart": "a", "repositoryOpts": map[string]any{"repo": "https://x.example"}}))
	if from.reference != "a" || from.options.RepoURL != "https://x.example" {
		t.Errorf("%+v", from)
	}
}

func TestUnsupportedInputsAreRefused(t *testing.T) {
	var refused []string
	for _, failure := range refusedInputs(properties(map[string]any{
		"chart": "x", "lint": true, "verify": false, "surprise": "x", "repositoryOpts": map[string]any{"odd": "x"},
	})) {
		refused = append(refused, failure.Property)
	}
	slices.Sort(refused)
	if !slices.Equal(refused, []string{"lint", "repositoryOpts.odd", "surprise"}) {
		t.Errorf("%v", refused)
	}
}
