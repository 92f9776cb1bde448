package main

import (
	"slices"
	"testing"

	p "github.com/pulumi/pulumi-go-provider"
	"github.com/pulumi/pulumi/sdk/v3/go/property"
	rpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
	"google.golang.org/protobuf/types/known/structpb"
)

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

func TestAShortDiffShowsTheOutermostProperties(t *testing.T) {
	made, err := serve(nil)
	if err != nil {
		t.Fatal(err)
	}
	olds, _ := structpb.NewStruct(map[string]any{"values": map[string]any{"a": 1.0}, "version": "1"})
	news, _ := structpb.NewStruct(map[string]any{"values": map[string]any{"a": 2.0, "b": 1.0}, "version": "2"})
	release, err := made.Diff(t.Context(), &rpc.DiffRequest{Urn: string(urnOf(releaseToken)), Olds: olds, News: news})
	if err != nil || !slices.Equal(release.Diffs, []string{"values", "version"}) {
		t.Fatal(release, err)
	}
	object, err := made.Diff(t.Context(), &rpc.DiffRequest{Urn: string(urnOf(secretToken)), Olds: olds, News: news})
	if err != nil || len(object.Diffs) > 0 || len(object.DetailedDiff) == 0 {
		t.Fatal(object, err)
	}
}
