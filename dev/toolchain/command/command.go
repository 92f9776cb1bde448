package main

import (
	"context"

	"github.com/pulumi/pulumi-go-provider/infer"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
)

// Command is command:remote:Command: scripts that run on a machine when the resource is made, changed and deleted.
type Command struct{}

// idDigits are the random hexadecimal digits of an id, which begins with the resource's name.
const idDigits = 8

// Annotate sets the official token.
func (*Command) Annotate(annotator infer.Annotator) { annotator.SetToken("remote", "Command") }

// Create runs the script `create`.
func (*Command) Create(
	ctx context.Context, request infer.CreateRequest[Args],
) (infer.CreateResponse[State], error) {
	response := infer.CreateResponse[State]{Output: State{Args: request.Inputs}}
	if request.DryRun {
		return response, nil
	}
	var err error
	if response.ID, err = resource.NewUniqueHex(request.Name, idDigits, 0); err != nil {
		return response, err
	}
	return response, response.Output.run(ctx, request.Inputs.Create)
}

// Update runs the script `update`, or `create` where there is none.
func (*Command) Update(
	ctx context.Context, request infer.UpdateRequest[Args, State],
) (infer.UpdateResponse[State], error) {
	response := infer.UpdateResponse[State]{
		Output: State{Args: request.Inputs, Stdout: request.State.Stdout, Stderr: request.State.Stderr},
	}
	if request.DryRun {
		return response, nil
	}
	script := request.Inputs.Update
	if script == nil {
		script = request.Inputs.Create
	}
	return response, response.Output.run(ctx, script)
}

// Delete runs the script `delete` where there is one.
func (*Command) Delete(ctx context.Context, request infer.DeleteRequest[State]) (infer.DeleteResponse, error) {
	return infer.DeleteResponse{}, request.State.run(ctx, request.State.Delete)
}

// run logs in and runs a script; no script is a success without logging in. What it wrote replaces the outputs.
func (state *State) run(ctx context.Context, script *string) error {
	if script == nil {
		return nil
	}
	// The login stays open until the plugin ends, as the official provider's does.
	client, err := dial(ctx, state.Connection)
	if err != nil {
		return err
	}
	return state.runSession(ctx, client, *script)
}
