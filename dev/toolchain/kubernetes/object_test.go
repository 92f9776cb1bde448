package main

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	p "github.com/pulumi/pulumi-go-provider"
	"github.com/pulumi/pulumi/sdk/v3/go/property"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

const secretToken = "kubernetes:core/v1:Secret"

// secretInputs is a Secret as the program asks for it.
func secretInputs(password string) property.Map {
	return properties(map[string]any{
		"apiVersion": "v1", "kind": "Secret", "metadata": map[string]any{"name": "s", "namespace": "n"},
	}).Set("stringData", property.New(properties(map[string]any{"password": password})).WithSecret(true))
}

func checkedSecret(t *testing.T, cluster *Cluster, inputs property.Map) property.Map {
	t.Helper()
	response, err := cluster.checkObject(p.CheckRequest{Urn: urnOf(secretToken), Inputs: inputs})
	if err != nil || len(response.Failures) > 0 {
		t.Fatal(err, response.Failures)
	}
	return response.Inputs
}

func TestTextsOfASecretAreAmongItsData(t *testing.T) {
	inputs := checkedSecret(t, newCluster(), secretInputs("hunter2"))
	if text := fmt.Sprint(mapToAny(inputs)["data"]); text != "map[password:aHVudGVyMg==]" || !inputs.Get("data").Secret() {
		t.Errorf("%s", text)
	}
	if _, there := inputs.GetOk("stringData"); there {
		t.Error("stringData is kept")
	}
	unknown := secretInputs("x").Set("stringData", property.New(property.Computed).WithSecret(true))
	if got := checkedSecret(t, newCluster(), unknown); !got.Get("stringData").IsComputed() {
		t.Error("what is not known yet is changed")
	}
}

func TestAnObjectIsMadeOnceAndItsStateIsTheOfficialOne(t *testing.T) {
	api, cluster := reachable(t, nil)
	inputs := checkedSecret(t, cluster, secretInputs("hunter2"))
	made, err := cluster.createObject(t.Context(), p.CreateRequest{Urn: urnOf(secretToken), Properties: inputs})
	if err != nil || made.ID != "n/s" {
		t.Fatal(made.ID, err)
	}
	state := made.Properties
	if !strings.HasPrefix(textAt(state, savedManager), "pulumi-kubernetes-") || textAt(state, savedVersion) != "v1" {
		t.Errorf("%v", mapToAny(state))
	}
	if !at(state, "metadata", "managedFields").IsArray() {
		t.Error("the metadata is without its lists")
	}
	if !state.Get("data").Secret() || !at(state, savedInputs, "data").Secret() || at(state, savedInputs).Secret() {
		t.Error("secrets")
	}
	if response := cluster.diffObject(p.DiffRequest{Urn: urnOf(secretToken), State: state, Inputs: inputs}); response.HasChanges {
		t.Errorf("%v", response.DetailedDiff)
	}
	_, err = cluster.createObject(t.Context(), p.CreateRequest{Urn: urnOf(secretToken), Properties: inputs})
	if err == nil || !strings.Contains(err.Error(), "already exists in the cluster") {
		t.Errorf("a namesake is taken over: %v", err)
	}
	if api.asked[0] != "POST /api/v1/namespaces/n/secrets pulumi-kubernetes" {
		t.Errorf("%v", api.asked)
	}
}

func TestAPreviewAsksTheServerAndKeepsTheVersion(t *testing.T) {
	api, cluster := reachable(t, nil)
	inputs := checkedSecret(t, cluster, secretInputs("one"))
	made, err := cluster.createObject(t.Context(), p.CreateRequest{Urn: urnOf(secretToken), Properties: inputs})
	if err != nil {
		t.Fatal(err)
	}
	api.asked = nil
	changed := checkedSecret(t, cluster, secretInputs("two"))
	request := p.UpdateRequest{ID: "n/s", Urn: urnOf(secretToken), State: made.Properties, Inputs: changed, DryRun: true}
	planned, err := cluster.updateObject(t.Context(), request)
	if err != nil || textAt(planned.Properties, "metadata", "resourceVersion") != "1" {
		t.Fatal(planned, err)
	}
	if !slices.Contains(api.asked, "PATCH /api/v1/namespaces/n/secrets/s "+textAt(made.Properties, savedManager)+" dry") {
		t.Errorf("%v", api.asked)
	}
	request.DryRun = false
	done, err := cluster.updateObject(t.Context(), request)
	if err != nil || textAt(done.Properties, "metadata", "resourceVersion") != "2" ||
		textAt(done.Properties, savedManager) != textAt(made.Properties, savedManager) {
		t.Fatal(done, err)
	}
	request.DryRun, request.Inputs = true, changed.Set("data", property.New(property.Computed))
	planned, err = cluster.updateObject(t.Context(), request)
	if err != nil || !at(planned.Properties, "metadata", "uid").IsNull() {
		t.Errorf("what is not known cannot be asked: %v %v", planned, err)
	}
}

func TestAStateOfAnEarlierStandInGetsItsOwnerAndNothingElse(t *testing.T) {
	cluster := newCluster()
	cluster.options = Options{"enableSecretMutable": true}
	saved := secretInputs("hunter2")
	state := properties(map[string]any{
		"apiVersion": "v1", "kind": "Secret", "data": map[string]any{"password": "aHVudGVyMg=="},
		"metadata": map[string]any{"name": "s", "namespace": "n", "uid": "u", "resourceVersion": "7"},
	}).Set(savedInputs, property.New(saved))
	inputs := checkedSecret(t, cluster, saved)
	response := cluster.diffObject(p.DiffRequest{Urn: urnOf(secretToken), State: state, Inputs: inputs})
	if len(response.DetailedDiff) != 1 || response.DetailedDiff[savedManager].Kind != p.Add {
		t.Fatalf("%v", response.DetailedDiff)
	}
	if manager := keptOf(state, objectOf(urnOf(secretToken), inputs)).manager; manager != "pulumi-kubernetes" {
		t.Error(manager)
	}
}

func TestRefreshShowsDriftAndNothingElse(t *testing.T) {
	inputs := properties(map[string]any{"spec": map[string]any{"replicas": 2.0, "args": []any{"a"}}})
	live := &unstructured.Unstructured{Object: map[string]any{
		"spec":   map[string]any{"replicas": int64(3), "args": []any{"a"}, "defaulted": true},
		"status": map[string]any{"replicas": int64(3)},
	}}
	got := fmt.Sprint(mapToAny(refreshedInputs(inputs, live)))
	if got != "map[spec:map[args:[a] replicas:3]]" {
		t.Fatal(got)
	}
}

func TestAutomaticNameStays(t *testing.T) {
	cluster := newCluster()
	request := p.CheckRequest{Urn: urnOf("kubernetes:core/v1:Namespace")}
	first, err := cluster.checkObject(request)
	if err != nil {
		t.Fatal(err)
	}
	request.State = first.Inputs
	second, err := cluster.checkObject(request)
	name := textAt(first.Inputs, "metadata", "name")
	if err != nil || name == "" || textAt(second.Inputs, "metadata", "name") != name {
		t.Fatalf("%s, then %s", name, textAt(second.Inputs, "metadata", "name"))
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
	response := cluster.diffObject(p.DiffRequest{
		Urn:    urnOf("kubernetes:core/v1:PersistentVolumeClaim"),
		State:  inputs(1, "slow").Set(savedInputs, property.New(inputs(1, "slow"))),
		Inputs: inputs(2, "fast"),
	})
	if response.DetailedDiff["spec.size"].Kind != p.Update ||
		response.DetailedDiff["spec.storageClassName"].Kind != p.UpdateReplace || !response.DeleteBeforeReplace {
		t.Fatalf("%+v", response)
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
