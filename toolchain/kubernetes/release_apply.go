package main

import (
	"context"
	"time"

	p "github.com/pulumi/pulumi-go-provider"
	"github.com/pulumi/pulumi/sdk/v3/go/property"
	"helm.sh/helm/v3/pkg/action"
	"helm.sh/helm/v3/pkg/release"
)

// downloadTime is what an operation has for the chart's download, beyond Helm's own time.
const downloadTime = 5 * time.Minute

// createRelease installs a release.
func (cluster *Cluster) createRelease(ctx context.Context, request p.CreateRequest) (p.CreateResponse, error) {
	inputs := request.Properties
	limit := releaseTime(inputs, request.Timeout)
	ctx, done := cluster.limited(ctx, 0, limit+downloadTime)
	defer done()
	namespace, name := textAt(inputs, "namespace"), textAt(inputs, "name")
	configuration, settings, err := cluster.helm(namespace)
	if err != nil {
		return p.CreateResponse{}, err
	}
	install := action.NewInstall(configuration)
	from := source(inputs)
	install.ChartPathOptions = from.options
	client, err := from.registryClient(settings)
	if err != nil {
		return p.CreateResponse{}, err
	}
	install.SetRegistryClient(client)
	chart, err := cluster.loadChart(inputs, from, &install.ChartPathOptions, settings, client)
	if err != nil {
		return p.CreateResponse{}, err
	}
	values, err := chartValues(inputs)
	if err != nil {
		return p.CreateResponse{}, err
	}
	setInstall(install, inputs)
	install.ReleaseName, install.Namespace, install.Timeout = name, namespace, limit
	if last, err := configuration.Releases.Last(name); err == nil && last.Info.Status == release.StatusFailed {
		install.Replace = true // left by an installation that failed and that no state knows of
	}
	made, err := install.RunWithContext(ctx, chart, values)
	cluster.forgetKinds()
	id := namespace + "/" + name
	if err == nil {
		return p.CreateResponse{ID: id, Properties: releaseState(inputs, made)}, nil
	}
	err = cluster.explainRelease(made, err)
	if last, lastErr := configuration.Releases.Last(name); made != nil && lastErr == nil {
		failed := &p.InitializationFailed{Reasons: []string{err.Error()}}
		return p.CreateResponse{ID: id, Properties: releaseState(inputs, last), PartialState: failed}, err
	}
	return p.CreateResponse{}, err
}

// setInstall hands the inputs to Helm.
func setInstall(install *action.Install, inputs property.Map) {
	install.Atomic = isSet(inputs, "atomic")
	install.Wait = !isSet(inputs, "skipAwait") || install.Atomic
	install.WaitForJobs = isSet(inputs, "waitForJobs")
	install.CreateNamespace = isSet(inputs, "createNamespace")
	install.SkipCRDs = isSet(inputs, "skipCrds")
	install.DisableHooks = isSet(inputs, "disableWebhooks")
	install.DisableOpenAPIValidation = isSet(inputs, "disableOpenapiValidation")
	install.SubNotes = isSet(inputs, "renderSubchartNotes")
	install.Description = textAt(inputs, "description")
	install.Replace = isSet(inputs, "replace")
	install.TakeOwnership = isSet(inputs, "takeOwnership")
	install.Force = isSet(inputs, "forceUpdate")
	install.Devel = isSet(inputs, "devel")
}

// updateRelease upgrades a release.
func (cluster *Cluster) updateRelease(ctx context.Context, request p.UpdateRequest) (p.UpdateResponse, error) {
	inputs := request.Inputs
	limit := releaseTime(inputs, request.Timeout)
	ctx, done := cluster.limited(ctx, 0, limit+downloadTime)
	defer done()
	namespace, name := splitID(request.ID)
	configuration, settings, err := cluster.helm(namespace)
	if err != nil {
		return p.UpdateResponse{}, err
	}
	upgrade := action.NewUpgrade(configuration)
	from := source(inputs)
	upgrade.ChartPathOptions = from.options
	client, err := from.registryClient(settings)
	if err != nil {
		return p.UpdateResponse{}, err
	}
	upgrade.SetRegistryClient(client)
	chart, err := cluster.loadChart(inputs, from, &upgrade.ChartPathOptions, settings, client)
	if err != nil {
		return p.UpdateResponse{}, err
	}
	values, err := chartValues(inputs)
	if err != nil {
		return p.UpdateResponse{}, err
	}
	setUpgrade(upgrade, inputs)
	upgrade.Namespace, upgrade.Timeout = namespace, limit
	made, err := upgrade.RunWithContext(ctx, name, chart, values)
	cluster.forgetKinds()
	if err == nil {
		return p.UpdateResponse{Properties: releaseState(inputs, made)}, nil
	}
	err = cluster.explainRelease(made, err)
	if last, lastErr := configuration.Releases.Last(name); made != nil && lastErr == nil {
		failed := &p.InitializationFailed{Reasons: []string{err.Error()}}
		return p.UpdateResponse{Properties: releaseState(inputs, last), PartialState: failed}, err
	}
	return p.UpdateResponse{}, err
}

// setUpgrade hands the inputs to Helm. Values are the program's alone unless it asks to reuse the last ones.
func setUpgrade(upgrade *action.Upgrade, inputs property.Map) {
	upgrade.Atomic = isSet(inputs, "atomic")
	upgrade.Wait = !isSet(inputs, "skipAwait") || upgrade.Atomic
	upgrade.WaitForJobs = isSet(inputs, "waitForJobs")
	upgrade.CleanupOnFail = isSet(inputs, "cleanupOnFail")
	upgrade.SkipCRDs = isSet(inputs, "skipCrds")
	upgrade.DisableHooks = isSet(inputs, "disableWebhooks")
	upgrade.DisableOpenAPIValidation = isSet(inputs, "disableOpenapiValidation")
	upgrade.SubNotes = isSet(inputs, "renderSubchartNotes")
	upgrade.Description = textAt(inputs, "description")
	upgrade.Force = isSet(inputs, "forceUpdate")
	upgrade.Recreate = isSet(inputs, "recreatePods")
	upgrade.ReuseValues = isSet(inputs, "reuseValues")
	upgrade.ResetValues = isSet(inputs, "resetValues") || !upgrade.ReuseValues
	upgrade.TakeOwnership = isSet(inputs, "takeOwnership")
	upgrade.Devel = isSet(inputs, "devel")
	if value := inputs.Get("maxHistory"); value.IsNumber() {
		upgrade.MaxHistory = int(value.AsNumber())
	}
}

// forgetKinds empties the cache of kinds: a chart may have brought new ones.
func (cluster *Cluster) forgetKinds() {
	if clients, err := cluster.connect(); err == nil {
		clients.mapper.Reset()
	}
}
