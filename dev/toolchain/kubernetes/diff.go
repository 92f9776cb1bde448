package main

import (
	"fmt"
	"reflect"
	"regexp"
	"slices"
	"strings"

	p "github.com/pulumi/pulumi-go-provider"
	"github.com/pulumi/pulumi/sdk/v3/go/property"
)

// diffObject compares the inputs with what is live, in the fields that the last inputs had: drift that a refresh has
// found is a difference. Fields that the API server does not let change replace.
func (cluster *Cluster) diffObject(request p.DiffRequest) p.DiffResponse {
	response := p.DiffResponse{DetailedDiff: map[string]p.PropertyDiff{}}
	shape := mapToAny(normalized(mapAt(request.State, savedInputs)))
	live := mapToAny(request.State.Delete(savedInputs, savedVersion, savedManager))
	was := fromAny(pruned(live, shape)).AsMap()
	wanted := normalized(request.Inputs)
	namespaced := cluster.namespaced(kindOf(request.Urn))
	before, after := inNamespace(was, namespaced), inNamespace(wanted, namespaced)
	if name := textAt(request.State, "metadata", "name"); name != "" && textAt(after, "metadata", "name") != "" {
		before = before.Set("metadata", property.New(mapAt(before, "metadata").Set("name", property.New(name))))
	}
	fixed := cluster.immutable(request)
	walk("", property.New(before), property.New(after), func(path string, kind p.DiffKind) {
		if slices.ContainsFunc(fixed, func(field string) bool { return within(path, field) }) {
			kind += "&replace"
			// An object with the same name before and after has to go first; for an automatic name the engine asks
			// Check for another one.
			response.DeleteBeforeReplace = !autonamed(after) &&
				textAt(before, "metadata", "name") == textAt(after, "metadata", "name") &&
				textAt(before, "metadata", "namespace") == textAt(after, "metadata", "namespace")
		}
		response.DetailedDiff[path] = p.PropertyDiff{Kind: kind, InputDiff: true}
		response.HasChanges = true
	})
	// A state of an earlier stand-in: without the name of the fields' owner the official provider could not go on.
	if textAt(request.State, savedManager) == "" {
		response.DetailedDiff[savedManager] = p.PropertyDiff{Kind: p.Add}
		response.HasChanges = true
	}
	return response
}

// inNamespace gives an object without a namespace its own: "default" for one that has to be in some, else none.
func inNamespace(object property.Map, namespaced bool) property.Map {
	value := object.Get("metadata")
	if !value.IsMap() && !value.IsNull() {
		return object // not known yet
	}
	metadata := mapAt(object, "metadata")
	switch {
	case !namespaced:
		metadata = metadata.Delete("namespace")
	case metadata.Get("namespace").IsNull() || textAt(metadata, "namespace") == "" && metadata.Get("namespace").IsString():
		metadata = metadata.Set("namespace", property.New("default"))
	}
	return object.Set("metadata", property.New(metadata).WithSecret(value.Secret()))
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
