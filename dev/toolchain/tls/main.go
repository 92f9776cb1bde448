// Command pulumi-resource-tls is a stand-in for the official provider pulumi-tls 5.6.2, for places where that cannot be
// downloaded. It makes keys, certificate requests and certificates with Go's own crypto packages, under the official
// tokens, property names, secret outputs and replacement rules.
package main

import (
	"context"
	"fmt"
	"os"

	p "github.com/pulumi/pulumi-go-provider"
	"github.com/pulumi/pulumi-go-provider/infer"
)

// version is that of the official provider that the SDK asks for.
const version = "5.6.2"

// provider is the whole plugin.
func provider() p.Provider {
	made := infer.Provider(infer.Options{Resources: []infer.InferredResource{
		infer.Resource(&PrivateKey{}),
		infer.Resource(&CertRequest{}),
		infer.Resource(&SelfSignedCert{}),
		infer.Resource(&LocallySignedCert{}),
	}})
	made.CheckConfig = checkConfig
	return readOriginals(made)
}

func main() {
	if err := p.RunProvider(context.Background(), "tls", version, provider()); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
