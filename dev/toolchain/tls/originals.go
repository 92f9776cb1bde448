package main

import (
	"context"
	"strings"

	p "github.com/pulumi/pulumi-go-provider"
	"github.com/pulumi/pulumi/sdk/v3/go/property"
)

// readOriginals lets `made` read states that the official provider wrote. Its Terraform bridge keeps notes of its own
// among a resource's properties: `id`, `__meta`, `__defaults`, `__pulumi_raw_state_delta`. No resource here has such
// a property, and whoever wrote them finds them again after a refresh.
func readOriginals(made p.Provider) p.Provider {
	diff, read, update, remove := made.Diff, made.Read, made.Update, made.Delete
	made.Diff = func(ctx context.Context, request p.DiffRequest) (p.DiffResponse, error) {
		request.State, request.Inputs = withoutNotes(request.State), withoutNotes(request.Inputs)
		return diff(ctx, request)
	}
	made.Read = func(ctx context.Context, request p.ReadRequest) (p.ReadResponse, error) {
		state, inputs := request.Properties, request.Inputs
		request.Properties, request.Inputs = withoutNotes(state), withoutNotes(inputs)
		response, err := read(ctx, request)
		if err != nil {
			return response, err
		}
		// Nothing outside changes an input. Of the outputs, what is the same stays as it was written.
		response.Inputs = inputs
		for name, value := range response.Properties.All {
			if was, ok := request.Properties.GetOk(name); !ok || !was.Equals(value) {
				state = state.Set(name, value)
			}
		}
		response.Properties = state
		return response, nil
	}
	made.Update = func(ctx context.Context, request p.UpdateRequest) (p.UpdateResponse, error) {
		request.State, request.Inputs = withoutNotes(request.State), withoutNotes(request.Inputs)
		return update(ctx, request)
	}
	made.Delete = func(ctx context.Context, request p.DeleteRequest) error {
		request.Properties = withoutNotes(request.Properties)
		return remove(ctx, request)
	}
	return made
}

// withoutNotes is a resource's properties without the bridge's notes.
func withoutNotes(properties property.Map) property.Map {
	return withoutMarked(properties).Delete("id")
}

// withoutMarked leaves out what begins with two underscores, in objects below, too.
func withoutMarked(properties property.Map) property.Map {
	kept := map[string]property.Value{}
	for name, value := range properties.All {
		if strings.HasPrefix(name, "__") {
			continue
		}
		if value.IsMap() {
			value = property.WithGoValue(value, withoutMarked(value.AsMap()))
		}
		kept[name] = value
	}
	return property.NewMap(kept)
}
