package main

import (
	"reflect"
	"slices"

	p "github.com/pulumi/pulumi-go-provider"
	"github.com/pulumi/pulumi/sdk/v3/go/property"
)

// diffRelease compares in three ways: what the inputs have is compared with what is live, and what the last inputs had
// beside that is to go. What a chart or somebody else has set otherwise is no difference.
func diffRelease(request p.DiffRequest) p.DiffResponse {
	response := p.DiffResponse{DetailedDiff: map[string]p.PropertyDiff{}}
	last := mapAt(request.State, savedInputs).Delete("checksum", "resourceNames")
	live := request.State.Delete(savedInputs)
	report := func(path string, kind p.DiffKind) {
		if slices.Contains([]string{"name", "namespace"}, path) {
			kind += "&replace"
		}
		response.DetailedDiff[path] = p.PropertyDiff{Kind: kind, InputDiff: true}
		response.HasChanges = true
	}
	walkThree("", last, request.Inputs, live, report)
	return response
}

func walkThree(path string, last, wanted, live property.Map, report func(string, p.DiffKind)) {
	for name, value := range wanted.AsMap() {
		now, there := live.GetOk(name)
		switch {
		case !there:
			report(join(path, name), p.Add)
		case value.IsMap() && now.IsMap():
			walkThree(join(path, name), mapAt(last, name), value.AsMap(), now.AsMap(), report)
		case value.HasComputed() || !reflect.DeepEqual(toAny(now), toAny(value)):
			report(join(path, name), p.Update)
		}
	}
	for name := range last.AsMap() {
		if _, kept := wanted.GetOk(name); !kept {
			report(join(path, name), p.Delete)
		}
	}
}
