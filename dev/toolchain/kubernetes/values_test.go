package main

import (
	"fmt"
	"slices"
	"testing"

	p "github.com/pulumi/pulumi-go-provider"
	"github.com/pulumi/pulumi/sdk/v3/go/property"
)

func properties(values map[string]any) property.Map { return fromAny(values).AsMap() }

func TestValuesSurviveTheWayThereAndBack(t *testing.T) {
	object := map[string]any{
		"text": "x", "flag": true, "whole": int64(3), "part": 1.5, "none": nil, "list": []any{"a", int64(1)},
	}
	if got := mapToAny(properties(object)); fmt.Sprint(got) != fmt.Sprint(object) {
		t.Fatalf("%v", got)
	}
}

func TestSecretsAreCopiedToTheSamePath(t *testing.T) {
	inputs := property.NewMap(map[string]property.Value{
		"spec": property.New(property.NewMap(map[string]property.Value{
			"token": property.New("hidden").WithSecret(true),
			"list":  property.New([]property.Value{property.New("open"), property.New("hidden").WithSecret(true)}),
		})),
	})
	live := properties(map[string]any{
		"spec": map[string]any{"token": "hidden", "list": []any{"open", "hidden"}, "added": "open"},
	})
	marked := copySecrets(property.New(inputs), property.New(live)).AsMap()
	list := at(marked, "spec", "list").AsArray().AsSlice()
	if !at(marked, "spec", "token").Secret() || !list[1].Secret() {
		t.Error("a secret is in the clear")
	}
	if at(marked, "spec", "added").Secret() || list[0].Secret() {
		t.Error("too much is secret")
	}
}

func TestWalkNamesEveryDifferentLeaf(t *testing.T) {
	before := properties(map[string]any{
		"same": "x", "spec": map[string]any{"size": 1.0, "gone": "x"}, "list": []any{"a", "b"},
		"labels": map[string]any{"app.kubernetes.io/name": "x"},
	})
	after := properties(map[string]any{
		"same": "x", "spec": map[string]any{"size": 2.0, "new": "x"}, "list": []any{"a"},
		"labels": map[string]any{"app.kubernetes.io/name": "y"},
	})
	var changes []string
	walk("", property.New(before), property.New(after), func(path string, kind p.DiffKind) {
		changes = append(changes, path+" "+string(kind))
	})
	slices.Sort(changes)
	wanted := []string{
		`labels["app.kubernetes.io/name"] update`, "list[1] delete", "spec.gone delete", "spec.new add", "spec.size update",
	}
	if !slices.Equal(changes, wanted) {
		t.Fatalf("%v", changes)
	}
}
