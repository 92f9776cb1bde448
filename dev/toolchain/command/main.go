// Command pulumi-resource-command is a stand-in for the official provider pulumi-command 1.2.1, for places where that
// cannot be downloaded. It has the resource remote.Command, on Go's SSH client, under the official token, property
// names, secret outputs and update rules, and refuses the others.
package main

import (
	"context"
	"fmt"
	"os"

	p "github.com/pulumi/pulumi-go-provider"
	"github.com/pulumi/pulumi-go-provider/infer"
	"github.com/pulumi/pulumi/sdk/v3/go/common/tokens"
)

// version is that of the official provider that the SDK asks for.
const version = "1.2.1"

// commandToken is the only resource here.
const commandToken tokens.Type = "command:remote:Command"

// provider is the whole plugin.
func provider() p.Provider {
	made := infer.Provider(infer.Options{
		Resources: []infer.InferredResource{infer.Resource(&Command{})},
		ModuleMap: map[tokens.ModuleName]tokens.ModuleName{"main": "remote"},
	})
	made.Check = refuseOthers(made.Check)
	return made
}

// refuseOthers answers for CopyToRemote, CopyFile and local.Command, which are not here.
func refuseOthers(
	check func(context.Context, p.CheckRequest) (p.CheckResponse, error),
) func(context.Context, p.CheckRequest) (p.CheckResponse, error) {
	return func(ctx context.Context, request p.CheckRequest) (p.CheckResponse, error) {
		if request.Urn.Type() == commandToken {
			return check(ctx, request)
		}
		return p.CheckResponse{Failures: []p.CheckFailure{{Reason: fmt.Sprintf(
			"%s is not in the stand-in for the command provider, which has only %s; "+
				"a file can be sent as stdin of a command", request.Urn.Type(), commandToken,
		)}}}, nil
	}
}

func main() {
	if err := p.RunProvider(context.Background(), "command", version, provider()); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
