package main

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"slices"

	p "github.com/pulumi/pulumi-go-provider"
	"github.com/pulumi/pulumi-go-provider/infer"
)

// Command is command:remote:Command: scripts that run on a machine when the resource is made, changed and deleted.
type Command struct{}

// Annotate sets the official token.
func (*Command) Annotate(annotator infer.Annotator) { annotator.SetToken("remote", "Command") }

// Check refuses unusable host keys and unknown kinds of logging before anything is dialed.
func (*Command) Check(ctx context.Context, request infer.CheckRequest) (infer.CheckResponse[Args], error) {
	args, failures, err := infer.DefaultCheck[Args](ctx, request.NewInputs)
	if err != nil {
		return infer.CheckResponse[Args]{Inputs: args, Failures: failures}, err
	}
	if kind := valueOr(args.Logging, ""); kind != "" && !slices.Contains(loggingKinds, kind) {
		failures = append(failures, p.CheckFailure{
			Property: "logging", Reason: fmt.Sprintf("%q is none of %v", kind, loggingKinds),
		})
	}
	if args.Connection != nil {
		failures = append(failures, checkHostKey("connection.hostKey", args.Connection.HostKey)...)
		if args.Connection.Proxy != nil {
			failures = append(failures, checkHostKey("connection.proxy.hostKey", args.Connection.Proxy.HostKey)...)
		}
	}
	return infer.CheckResponse[Args]{Inputs: args, Failures: failures}, nil
}

// Create runs the script `create`.
func (*Command) Create(
	ctx context.Context, request infer.CreateRequest[Args],
) (infer.CreateResponse[State], error) {
	response := infer.CreateResponse[State]{Output: State{Args: request.Inputs}}
	if request.DryRun {
		return response, nil
	}
	id := make([]byte, 16)
	if _, err := rand.Read(id); err != nil {
		return response, err
	}
	response.ID = "cmd" + hex.EncodeToString(id)
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
	client, err := dial(ctx, state.Connection)
	if err != nil {
		return err
	}
	defer client.close()
	return state.runSession(ctx, client, *script)
}
