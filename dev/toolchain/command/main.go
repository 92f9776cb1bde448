// Command pulumi-resource-command is a stand-in for the official provider pulumi-command 1.2.1, for places where that
// cannot be downloaded. It has the resources remote.Command and remote.CopyToRemote, on Go's SSH client, under the
// official tokens, property names, secret outputs and update rules, and refuses the others.
package main

import (
	"context"
	"fmt"
	"os"
	"slices"

	p "github.com/pulumi/pulumi-go-provider"
	"github.com/pulumi/pulumi-go-provider/infer"
	"github.com/pulumi/pulumi/sdk/v3/go/common/tokens"
)

// version is that of the official provider that the SDK asks for.
const version = "1.2.1"

// here are the resources of this stand-in.
var here = []tokens.Type{"command:remote:Command", "command:remote:CopyToRemote"}

// provider is the whole plugin.
func provider() p.Provider {
	made := infer.Provider(infer.Options{
		Resources: []infer.InferredResource{infer.Resource(&Command{}), infer.Resource(&CopyToRemote{})},
		ModuleMap: map[tokens.ModuleName]tokens.ModuleName{"main": "remote"},
	})
	made.Check = refuseOthers(made.Check)
	return made
}

// refuseOthers answers for CopyFile and local.Command, which are not here.
func refuseOthers(
	check func(context.Context, p.CheckRequest) (p.CheckResponse, error),
) func(context.Context, p.CheckRequest) (p.CheckResponse, error) {
	return func(ctx context.Context, request p.CheckRequest) (p.CheckResponse, error) {
		if slices.Contains(here, request.Urn.Type()) {
			return check(ctx, request)
		}
		return p.CheckResponse{Failures: []p.CheckFailure{{Reason: fmt.Sprintf(
			"%s is not in the stand-in for the command provider, which has only %v", request.Urn.Type(), here,
		)}}}, nil
	}
}

func main() {
	if err := p.RunProvider(context.Background(), "command", version, provider()); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
