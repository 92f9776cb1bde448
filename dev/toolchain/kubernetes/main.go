// Command pulumi-resource-kubernetes is a stand-in for the official provider pulumi-kubernetes 4.34.2, for places where
// that cannot be downloaded. It makes Helm releases with Helm's own library and every other kind through the API server,
// under the official tokens, property names, secret outputs and replacement rules. What it writes to the state is what
// the official one writes, so that either goes on where the other has left off.
package main

import (
	"context"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"

	p "github.com/pulumi/pulumi-go-provider"
	"github.com/pulumi/pulumi/pkg/v3/resource/provider"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	rpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
)

// version is that of the official provider that the SDK asks for.
const version = "4.34.2"

// releaseToken is the one kind that is no object of the API server.
const releaseToken = "kubernetes:helm.sh/v3:Release"

// What the official provider keeps in the state of each resource beside its properties.
const (
	// savedInputs are the inputs of the last operation.
	savedInputs = "__inputs"
	// savedVersion is the apiVersion with which an object was made.
	savedVersion = "__initialApiVersion"
	// savedManager is the name under which the fields of an object are owned.
	savedManager = "__fieldManager"
)

// frameworkKey is what the library adds to the provider's inputs. The official provider is made without that library.
const frameworkKey = "__pulumi-go-provider-version"

func isRelease(urn resource.URN) bool { return urn.Type() == releaseToken }

// newProvider is the whole plugin: one cluster, which is asked for its schema when the provider is configured.
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

func (cluster *Cluster) check(ctx context.Context, request p.CheckRequest) (p.CheckResponse, error) {
	if cluster.unreachable != "" && cluster.options.skipUpdateUnreachable() {
		p.GetLogger(ctx).Warning("Cluster is unreachable but skipUpdateUnreachable flag is set to true, skipping...")
		return p.CheckResponse{Inputs: request.State}, nil
	}
	if isRelease(request.Urn) {
		return cluster.checkRelease(request), nil
	}
	return cluster.checkObject(request)
}

func (cluster *Cluster) diff(_ context.Context, request p.DiffRequest) (p.DiffResponse, error) {
	if isRelease(request.Urn) {
		return diffRelease(request), nil
	}
	return cluster.diffObject(request), nil
}

func (cluster *Cluster) create(ctx context.Context, request p.CreateRequest) (p.CreateResponse, error) {
	if isRelease(request.Urn) {
		return cluster.createRelease(ctx, request)
	}
	return cluster.createObject(ctx, request)
}

func (cluster *Cluster) update(ctx context.Context, request p.UpdateRequest) (p.UpdateResponse, error) {
	if isRelease(request.Urn) {
		return cluster.updateRelease(ctx, request)
	}
	return cluster.updateObject(ctx, request)
}

func (cluster *Cluster) read(ctx context.Context, request p.ReadRequest) (p.ReadResponse, error) {
	if cluster.unreachable != "" {
		return cluster.readUnreachable(ctx, request)
	}
	if isRelease(request.Urn) {
		return cluster.readRelease(request)
	}
	return cluster.readObject(ctx, request)
}

func (cluster *Cluster) delete(ctx context.Context, request p.DeleteRequest) error {
	if isRelease(request.Urn) {
		return cluster.deleteRelease(ctx, request)
	}
	return cluster.deleteObject(ctx, request)
}

// server is the library's, but for what only the library does.
type server struct{ rpc.ResourceProviderServer }

// CheckConfig is asked by the engine.
func (server server) CheckConfig(ctx context.Context, request *rpc.CheckRequest) (*rpc.CheckResponse, error) {
	response, err := server.ResourceProviderServer.CheckConfig(ctx, request)
	if response != nil && response.Inputs != nil {
		delete(response.Inputs.Fields, frameworkKey)
	}
	return response, err
}

// Diff is asked by the engine, which shows in short those of the changed properties that are listed: with the official
// provider all of an object, and of a release the outermost.
func (server server) Diff(ctx context.Context, request *rpc.DiffRequest) (*rpc.DiffResponse, error) {
	response, err := server.ResourceProviderServer.Diff(ctx, request)
	if response == nil {
		return response, err
	}
	outermost := map[string]bool{}
	for _, path := range response.Diffs {
		name, _, _ := strings.Cut(path, ".")
		name, _, _ = strings.Cut(name, "[")
		outermost[name] = true
	}
	response.Diffs = nil
	if isRelease(resource.URN(request.Urn)) {
		response.Diffs = slices.Sorted(maps.Keys(outermost))
	}
	return response, err
}

// serve makes the server for one engine.
func serve(host *provider.HostClient) (rpc.ResourceProviderServer, error) {
	made, err := p.RawServer("kubernetes", version, newProvider())(host)
	return server{made}, err
}

func main() {
	if err := provider.MainContext(context.Background(), "kubernetes", serve); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
