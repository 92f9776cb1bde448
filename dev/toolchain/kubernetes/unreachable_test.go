package main

import (
	"strings"
	"testing"
	"time"

	p "github.com/pulumi/pulumi-go-provider"
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
