package main

import (
	"errors"
	"strings"

	p "github.com/pulumi/pulumi-go-provider"
	"github.com/pulumi/pulumi/sdk/v3/go/property"
	"helm.sh/helm/v3/pkg/action"
	"helm.sh/helm/v3/pkg/release"
	"helm.sh/helm/v3/pkg/storage/driver"
	"sigs.k8s.io/yaml"
)

// readRelease is refresh and import.
func (cluster *Cluster) readRelease(request p.ReadRequest) (p.ReadResponse, error) {
	namespace, name := splitID(request.ID)
	configuration, _, err := cluster.helm(namespace)
	if err != nil {
		return p.ReadResponse{}, err
	}
	if cluster.options.deleteUnreachable() && !cluster.made.reachable() {
		return p.ReadResponse{}, nil
	}
	last, err := configuration.Releases.Last(name)
	if errors.Is(err, driver.ErrReleaseNotFound) || (err == nil && last.Info.Status == release.StatusUninstalled) {
		return missing(request)
	}
	if err != nil {
		return p.ReadResponse{}, err
	}
	inputs := driftedInputs(request.Inputs, last)
	if request.Inputs.Len() == 0 {
		inputs = property.NewMap(map[string]property.Value{
			"name":      property.New(name),
			"namespace": property.New(namespace),
			"chart":     property.New(last.Chart.Metadata.Name),
			"version":   property.New(last.Chart.Metadata.Version),
			"values":    fromAny(last.Config),
		})
	}
	return p.ReadResponse{ID: request.ID, Inputs: inputs, Properties: releaseState(inputs, last)}, nil
}

// driftedInputs shows values and version as they are where somebody else has upgraded the release. What the inputs
// leave open (value files, reused values, a range of versions) cannot drift.
func driftedInputs(inputs property.Map, last *release.Release) property.Map {
	values := inputs.Get("values")
	open := inputs.Get("valueYamlFiles").IsArray() || isSet(inputs, "reuseValues")
	if !open && !sameValues(mapToAny(mapAt(inputs, "values")), last.Config) {
		inputs = inputs.Set("values", copySecrets(values, fromAny(last.Config)))
	}
	wanted := textAt(inputs, "version")
	if wanted == "" || last.Chart == nil || strings.ContainsAny(wanted, "^~<>=*x |") {
		return inputs
	}
	live := last.Chart.Metadata.Version
	if strings.TrimPrefix(wanted, "v") != strings.TrimPrefix(live, "v") {
		inputs = inputs.Set("version", property.New(live))
	}
	return inputs
}

// sameValues compares what a chart would see: no values are the same as empty ones, 1 the same as 1.0.
func sameValues(wanted, live map[string]any) bool {
	if len(wanted) == 0 && len(live) == 0 {
		return true
	}
	first, firstErr := yaml.Marshal(wanted)
	second, secondErr := yaml.Marshal(live)
	return firstErr == nil && secondErr == nil && string(first) == string(second)
}

// deleteRelease uninstalls a release and waits for its objects to go.
func (cluster *Cluster) deleteRelease(request p.DeleteRequest) error {
	namespace, name := splitID(request.ID)
	configuration, _, err := cluster.helm(namespace)
	if err != nil {
		return err
	}
	if cluster.options.deleteUnreachable() && !cluster.made.reachable() {
		return nil
	}
	uninstall := action.NewUninstall(configuration)
	uninstall.IgnoreNotFound = true
	uninstall.Wait = !isSet(request.Properties, "skipAwait")
	uninstall.DisableHooks = isSet(request.Properties, "disableWebhooks")
	uninstall.Timeout = releaseTime(request.Properties, request.Timeout)
	_, err = uninstall.Run(name)
	if errors.Is(err, driver.ErrReleaseNotFound) {
		return nil
	}
	return err
}
