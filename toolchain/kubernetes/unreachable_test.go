package main

import (
	"strings"
	"testing"
	"time"

	p "github.com/pulumi/pulumi-go-provider"
	"github.com/pulumi/pulumi/sdk/v3/go/property"
	rpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
	"google.golang.org/protobuf/types/known/structpb"
)

const unreachableReason = "unable to load schema information from the API server: "

func TestAClusterThatIsAwayIsAskedOnceAndNotWaitedFor(t *testing.T) {
	begun := time.Now()
	cluster := configured(t, nobody(), nil)
	if !strings.HasPrefix(cluster.unreachable, unreachableReason) {
		t.Fatal(cluster.unreachable)
	}
	inputs := checkedSecret(t, cluster, secretInputs("x"))
	wanted := "configured Kubernetes cluster is unreachable: " + unreachableReason
	_, err := cluster.create(t.Context(), p.CreateRequest{Urn: urnOf(secretToken), Properties: inputs})
	if err == nil || !strings.HasPrefix(err.Error(), wanted) {
		t.Error(err)
	}
	_, err = cluster.update(t.Context(), p.UpdateRequest{Urn: urnOf(secretToken), State: inputs, Inputs: inputs})
	if err == nil || !strings.HasPrefix(err.Error(), wanted) {
		t.Error(err)
	}
	_, err = cluster.create(t.Context(), p.CreateRequest{Urn: urnOf(releaseToken), Properties: inputs})
	if err == nil || !strings.HasPrefix(err.Error(), "can't create Helm Release with unreachable cluster: "+unreachableReason) {
		t.Error(err)
	}
	_, err = cluster.update(t.Context(), p.UpdateRequest{Urn: urnOf(releaseToken), Inputs: inputs})
	if err == nil || !strings.HasPrefix(err.Error(), "can't update Helm Release with unreachable cluster: ") {
		t.Error(err)
	}
	if time.Since(begun) > 5*time.Second {
		t.Error("it waits")
	}
}

func TestAPreviewGoesOnWithoutACluster(t *testing.T) {
	cluster := configured(t, nobody(), nil)
	inputs := checkedSecret(t, cluster, secretInputs("x"))
	planned, err := cluster.create(t.Context(), p.CreateRequest{Urn: urnOf(secretToken), Properties: inputs, DryRun: true})
	if err != nil || textAt(planned.Properties, "metadata", "name") != "s" {
		t.Error(planned, err)
	}
	planned, err = cluster.create(t.Context(), p.CreateRequest{Urn: urnOf(releaseToken), Properties: inputs, DryRun: true})
	if err != nil || !planned.Properties.Get("status").IsComputed() || !planned.Properties.Get(savedInputs).Secret() {
		t.Error(planned, err)
	}
}

func TestWhatCannotBeReachedIsKeptOrDroppedAsTheOptionsSay(t *testing.T) {
	state := properties(map[string]any{"metadata": map[string]any{"name": "s", "namespace": "n"}})
	read := p.ReadRequest{ID: "n/s", Urn: urnOf(secretToken), Properties: state, Inputs: state}
	remove := p.DeleteRequest{ID: "n/s", Urn: urnOf(secretToken), Properties: state}
	uninstall := p.DeleteRequest{ID: "n/s", Urn: urnOf(releaseToken), Properties: state}

	cluster := configured(t, nobody(), nil)
	if _, err := cluster.read(t.Context(), read); err == nil || !strings.Contains(err.Error(), "PULUMI_K8S_DELETE_UNREACHABLE") {
		t.Error(err)
	}
	if err := cluster.delete(t.Context(), remove); err == nil || !strings.Contains(err.Error(), "PULUMI_K8S_DELETE_UNREACHABLE") {
		t.Error(err)
	}

	dropping := configured(t, nobody(), map[string]any{"deleteUnreachable": "true"})
	if found, err := dropping.read(t.Context(), read); err != nil || found.ID != "" {
		t.Error(found, err)
	}
	if err := dropping.delete(t.Context(), remove); err != nil {
		t.Error(err)
	}
	if err := dropping.delete(t.Context(), uninstall); err == nil ||
		!strings.HasPrefix(err.Error(), "can't delete Helm Release with unreachable cluster. Reason: ") {
		t.Error("a release is dropped, too:", err)
	}

	t.Setenv("PULUMI_K8S_SKIP_UPDATE_UNREACHABLE", "true")
	if found, err := cluster.read(t.Context(), read); err != nil || found.ID != "n/s" || found.Properties.Len() != 1 {
		t.Error(found, err)
	}
	checked, err := cluster.check(t.Context(), p.CheckRequest{
		Urn: urnOf(secretToken), State: state, Inputs: secretInputs("other"),
	})
	if err != nil || checked.Inputs.Len() != 1 {
		t.Error(checked, err)
	}
}

func TestAKubeconfigThatIsNoneIsACalmError(t *testing.T) {
	cluster := newCluster()
	arguments := properties(map[string]any{"kubeconfig": "no kubeconfig"})
	if err := cluster.configure(t.Context(), p.ConfigureRequest{Args: arguments}); err != nil ||
		!strings.HasPrefix(cluster.unreachable, "failed to parse kubeconfig data") {
		t.Fatal(cluster.unreachable, err)
	}
	cluster.namespaced(kindOf(urnOf(secretToken)))
}

func TestTheProviderIsReplacedByAnotherClusterAlone(t *testing.T) {
	options := func(identifier, address string) property.Map {
		made := properties(map[string]any{"kubeconfig": kubeconfig(address)})
		if identifier != "" {
			made = made.Set("clusterIdentifier", property.New(identifier))
		}
		return made
	}
	unknown := options("a", "https://x").Set("kubeconfig", property.New(property.Computed))
	for name, each := range map[string]struct {
		before, after property.Map
		path          string
		kind          p.DiffKind
	}{
		"the same":                 {options("a", "https://x"), options("a", "https://x"), "kubeconfig", ""},
		"another address":          {options("a", "https://x"), options("a", "https://y"), "kubeconfig", p.Update},
		"another address, no name": {options("", "https://x"), options("", "https://y"), "kubeconfig", p.UpdateReplace},
		"another name":             {options("a", "https://x"), options("b", "https://x"), "clusterIdentifier", p.UpdateReplace},
		"a name comes":             {options("", "https://x"), options("b", "https://x"), "clusterIdentifier", p.Update},
		"not known yet":            {options("a", "https://x"), unknown, "kubeconfig", p.Update},
		"of the library": {
			options("a", "https://x").Set(frameworkKey, property.New("1.1.2")), options("a", "https://x"), frameworkKey, p.Update,
		},
	} {
		response, err := diffConfig(t.Context(), p.DiffRequest{State: each.before, Inputs: each.after})
		if err != nil || response.DetailedDiff[each.path].Kind != each.kind || response.HasChanges != (each.kind != "") {
			t.Errorf("%s: %v %v", name, response, err)
		}
	}
}

func TestTheLibraryLeavesNoTraceInTheProvider(t *testing.T) {
	made, err := serve(nil)
	if err != nil {
		t.Fatal(err)
	}
	news, _ := structpb.NewStruct(map[string]any{"clusterIdentifier": "a"})
	answer, err := made.CheckConfig(t.Context(), &rpc.CheckRequest{
		Urn: "urn:pulumi:s::p::pulumi:providers:kubernetes::cluster", News: news,
	})
	if err != nil || len(answer.Inputs.Fields) != 1 {
		t.Fatal(answer, err)
	}
}
