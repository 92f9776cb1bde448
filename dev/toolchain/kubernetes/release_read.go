package main

import (
	"context"
	"fmt"

	p "github.com/pulumi/pulumi-go-provider"
	"github.com/pulumi/pulumi/sdk/v3/go/property"
	"helm.sh/helm/v3/pkg/action"
)

// readRelease is refresh and import. A refresh leaves the inputs as they are: what somebody else has changed is in the
// outputs, and the next diff compares with those.
func (cluster *Cluster) readRelease(request p.ReadRequest) (p.ReadResponse, error) {
	namespace, name := splitID(request.ID)
	if request.Properties.Len() > 0 {
		namespace, name = textAt(request.Properties, "namespace"), textAt(request.Properties, "name")
	}
	configuration, err := cluster.helm(namespace)
	if err != nil {
		return p.ReadResponse{}, err
	}
	last, err := configuration.Releases.Last(name)
	if isGone(err) {
		return missing(request)
	}
	if err != nil {
		return p.ReadResponse{}, err
	}
	inputs := mapAt(request.Properties, savedInputs)
	known, err := recorded(request.Properties)
	if inputs.Len() == 0 && err == nil { // an import
		inputs, err = recorded(property.NewMap(map[string]property.Value{
			"name":      property.New(name),
			"namespace": property.New(namespace),
			"chart":     property.New(last.Chart.Metadata.Name),
			"version":   property.New(last.Chart.Metadata.Version),
			"values":    fromAny(orEmpty(last.Config)),
			"timeout":   property.New(float64(defaultReleaseTime)),
		}))
		known = inputs
	}
	return p.ReadResponse{ID: request.ID, Inputs: inputs, Properties: releaseState(inputs, known, last)}, err
}

// deleteRelease uninstalls a release and waits for its objects to go. Without a cluster that fails: the option to drop
// what cannot be reached does not hold for releases.
func (cluster *Cluster) deleteRelease(ctx context.Context, request p.DeleteRequest) error {
	if cluster.unreachable != "" {
		return fmt.Errorf("can't delete Helm Release with unreachable cluster. Reason: %q", cluster.unreachable)
	}
	configuration, err := cluster.helm(textAt(request.Properties, "namespace"))
	if err != nil {
		return err
	}
	uninstall := action.NewUninstall(configuration)
	if isSet(request.Properties, "atomic") || !isSet(request.Properties, "skipAwait") {
		uninstall.Wait = true
		uninstall.Timeout = releaseTime(request.Properties)
	}
	result, err := uninstall.Run(textAt(request.Properties, "name"))
	if err == nil && result != nil && result.Info != "" {
		p.GetLogger(ctx).Warning(fmt.Sprintf("Helm uninstall returned information: %q", result.Info))
	}
	return err
}
