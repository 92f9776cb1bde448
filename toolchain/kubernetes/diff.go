package main

import (
	"context"
	"fmt"
	"reflect"
	"regexp"
	"slices"
	"strings"

	p "github.com/pulumi/pulumi-go-provider"
	"github.com/pulumi/pulumi/sdk/v3/go/property"
)

// diff compares the inputs with those of the last operation; fields that the API server does not let change replace.
func (cluster *Cluster) diff(_ context.Context, request p.DiffRequest) (p.DiffResponse, error) {
	response := p.DiffResponse{DetailedDiff: map[string]p.PropertyDiff{}}
	before := request.State
	if saved := request.State.Get(savedInputs); saved.IsMap() {
		before = saved.AsMap()
	}
	fixed := cluster.immutable(request)
	walk("", property.New(before), property.New(request.Inputs), func(path string, kind p.DiffKind) {
		if slices.ContainsFunc(fixed, func(field string) bool { return within(path, field) }) {
			kind += "&replace"
		}
		response.DetailedDiff[path] = p.PropertyDiff{Kind: kind, InputDiff: true}
		response.HasChanges = true
	})
	// An object with the same name before and after has to go first; for an automatic name the engine asks Check for
	// another one.
	response.DeleteBeforeReplace = !isRelease(request.Urn) && !autonamed(request.Inputs) &&
		textAt(before, "metadata", "name") == textAt(request.Inputs, "metadata", "name") &&
		textAt(before, "metadata", "namespace") == textAt(request.Inputs, "metadata", "namespace")
	return response, nil
}

// within says whether a path is the field or below it.
func within(path, field string) bool {
	rest, ok := strings.CutPrefix(path, field)
	return ok && (rest == "" || rest[0] == '.' || rest[0] == '[')
}

var plainName = regexp.MustCompile(`^[A-Za-z_$][A-Za-z0-9_$]*$`)

// join adds a name to a path, in the engine's notation.
func join(path, name string) string {
	if !plainName.MatchString(name) {
		return fmt.Sprintf("%s[%q]", path, name)
	}
	return strings.TrimPrefix(path+"."+name, ".")
}

// walk reports the path of every leaf that differs. Secrecy is no difference; what is unknown is one.
func walk(path string, before, after property.Value, report func(string, p.DiffKind)) {
	switch {
	case before.IsMap() && after.IsMap():
		walkMap(path, before.AsMap(), after.AsMap(), report)
	case before.IsArray() && after.IsArray():
		walkArray(path, before.AsArray().AsSlice(), after.AsArray().AsSlice(), report)
	case after.HasComputed() || !reflect.DeepEqual(toAny(before), toAny(after)):
		report(path, p.Update)
	}
}

func walkMap(path string, before, after property.Map, report func(string, p.DiffKind)) {
	names := map[string]bool{}
	for name := range before.AsMap() {
		names[name] = true
	}
	for name := range after.AsMap() {
		names[name] = true
	}
	for name := range names {
		older, had := before.GetOk(name)
		newer, has := after.GetOk(name)
		switch {
		case !had:
			report(join(path, name), p.Add)
		case !has:
			report(join(path, name), p.Delete)
		default:
			walk(join(path, name), older, newer, report)
		}
	}
}

func walkArray(path string, before, after []property.Value, report func(string, p.DiffKind)) {
	for index := range max(len(before), len(after)) {
		element := fmt.Sprintf("%s[%d]", path, index)
		switch {
		case index >= len(before):
			report(element, p.Add)
		case index >= len(after):
			report(element, p.Delete)
		default:
			walk(element, before[index], after[index], report)
		}
	}
}
