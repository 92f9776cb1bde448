// Command pulumi-resource-kubernetes is a stand-in for the official provider pulumi-kubernetes 4.34.2, for places where
// that cannot be downloaded. It makes Helm releases with Helm's own library and every other kind by server-side apply,
// under the official tokens, property names, secret outputs and replacement rules, and waits for what it made to be
// ready.
package main

import (
	"context"
	"fmt"
	"os"

	p "github.com/pulumi/pulumi-go-provider"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/pulumi/pulumi/sdk/v3/go/property"
)

// version is that of the official provider that the SDK asks for.
const version = "4.34.2"

// releaseToken is the one kind that is no object of the API server.
const releaseToken = "kubernetes:helm.sh/v3:Release"

// savedInputs is where the state keeps the inputs of the last operation: the library hands Diff the outputs only.
const savedInputs = "__inputs"

func isRelease(urn resource.URN) bool { return urn.Type() == releaseToken }

// newProvider is the whole plugin: one cluster, reached when the first operation needs it.
func newProvider() p.Provider {
	cluster := newCluster()
	return p.Provider{
		GetSchema:   func(context.Context, p.GetSchemaRequest) (p.GetSchemaResponse, error) { return describe() },
		Cancel:      func(context.Context) error { cluster.cancel(); return nil },
		CheckConfig: checkConfig,
		DiffConfig:  diffConfig,
		Configure:   cluster.configure,
		Check:       cluster.check,
		Diff:        cluster.diff,
		Create:      cluster.create,
		Update:      cluster.update,
		Read:        cluster.read,
		Delete:      cluster.delete,
	}
}

func (cluster *Cluster) check(_ context.Context, request p.CheckRequest) (p.CheckResponse, error) {
	if isRelease(request.Urn) {
		return cluster.checkRelease(request), nil
	}
	return cluster.checkObject(request), nil
}

func (cluster *Cluster) create(ctx context.Context, request p.CreateRequest) (p.CreateResponse, error) {
	switch {
	case request.DryRun:
		return p.CreateResponse{Properties: planned(request.Properties, property.Map{})}, nil
	case isRelease(request.Urn):
		return cluster.createRelease(ctx, request)
	default:
		return cluster.createObject(ctx, request)
	}
}

func (cluster *Cluster) update(ctx context.Context, request p.UpdateRequest) (p.UpdateResponse, error) {
	switch {
	case request.DryRun:
		return p.UpdateResponse{Properties: planned(request.Inputs, request.State)}, nil
	case isRelease(request.Urn):
		return cluster.updateRelease(ctx, request)
	default:
		return cluster.updateObject(ctx, request)
	}
}

func (cluster *Cluster) read(ctx context.Context, request p.ReadRequest) (p.ReadResponse, error) {
	if isRelease(request.Urn) {
		return cluster.readRelease(request)
	}
	return cluster.readObject(ctx, request)
}

func (cluster *Cluster) delete(ctx context.Context, request p.DeleteRequest) error {
	if isRelease(request.Urn) {
		return cluster.deleteRelease(request)
	}
	return cluster.deleteObject(ctx, request)
}

func main() {
	if err := p.RunProvider(context.Background(), "kubernetes", version, newProvider()); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
