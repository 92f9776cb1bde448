package main

import (
	"context"
	"errors"
	"fmt"

	p "github.com/pulumi/pulumi-go-provider"
	"github.com/pulumi/pulumi/sdk/v3/go/property"
	"helm.sh/helm/v3/pkg/action"
	"helm.sh/helm/v3/pkg/storage/driver"
)

// failure is Helm's error for a release that it has left behind, in the official provider's words.
func failure(inputs property.Map, err error) error {
	return fmt.Errorf("failed to become available within allocated timeout. Error: Helm Release %s: %w",
		releaseID(inputs), err)
}

func releaseID(inputs property.Map) string {
	return textAt(inputs, "namespace") + "/" + textAt(inputs, "name")
}

// createRelease installs a release.
func (cluster *Cluster) createRelease(ctx context.Context, request p.CreateRequest) (p.CreateResponse, error) {
	inputs := request.Properties
	if request.DryRun {
		return p.CreateResponse{Properties: plannedRelease(inputs)}, nil
	}
	if cluster.unreachable != "" {
		return p.CreateResponse{}, fmt.Errorf(
			"can't create Helm Release with unreachable cluster: %s", cluster.unreachable)
	}
	ctx, done := cluster.cancellable(ctx)
	defer done()
	namespace, name := textAt(inputs, "namespace"), textAt(inputs, "name")
	configuration, err := cluster.helm(namespace)
	if err != nil {
		return p.CreateResponse{}, err
	}
	loaded, from, err := cluster.loadChart(inputs)
	if err == nil {
		err = installable(loaded)
	}
	if err != nil {
		return p.CreateResponse{}, err
	}
	install := action.NewInstall(configuration)
	install.ChartPathOptions = from.options
	setInstall(install, inputs)
	install.ReleaseName, install.Namespace = name, namespace
	made, err := install.RunWithContext(ctx, loaded, mapToAny(mapAt(inputs, "values")))
	cluster.clients.mapper.Reset() // the chart may have brought new kinds
	id := releaseID(inputs)
	if err == nil {
		return p.CreateResponse{ID: id, Properties: releaseState(inputs, inputs, made)}, nil
	}
	// With `atomic` nothing is left of it.
	if _, lookErr := configuration.Releases.Last(name); made == nil || lookErr != nil {
		return p.CreateResponse{}, err
	}
	p.GetLogger(ctx).Warning(fmt.Sprintf("Helm release %q was created but has a failed status. Use the `helm` command "+
		"to investigate the error, correct it, then retry. Reason: %v", name, err))
	err = fmt.Errorf("Helm release %q was created, but failed to initialize completely. "+
		"Use Helm CLI to investigate: %w", id, failure(inputs, err))
	failed := &p.InitializationFailed{Reasons: []string{err.Error()}}
	return p.CreateResponse{ID: id, Properties: releaseState(inputs, inputs, made), PartialState: failed}, err
}

// setInstall hands the inputs to Helm.
func setInstall(install *action.Install, inputs property.Map) {
	install.Timeout = releaseTime(inputs)
	install.Atomic = isSet(inputs, "atomic")
	install.Wait = !isSet(inputs, "skipAwait")
	install.WaitForJobs = install.Wait && isSet(inputs, "waitForJobs")
	install.CreateNamespace = isSet(inputs, "createNamespace")
	install.SkipCRDs = isSet(inputs, "skipCrds")
	install.DisableHooks = isSet(inputs, "disableWebhooks")
	install.DisableOpenAPIValidation = isSet(inputs, "disableOpenapiValidation")
	install.SubNotes = isSet(inputs, "renderSubchartNotes")
	install.Description = textAt(inputs, "description")
	install.Replace = isSet(inputs, "replace")
	install.TakeOwnership = isSet(inputs, "takeOwnership")
	install.Devel = isSet(inputs, "devel")
}

// updateRelease upgrades a release.
func (cluster *Cluster) updateRelease(ctx context.Context, request p.UpdateRequest) (p.UpdateResponse, error) {
	inputs := request.Inputs
	if request.DryRun {
		return p.UpdateResponse{Properties: plannedRelease(inputs)}, nil
	}
	if cluster.unreachable != "" {
		return p.UpdateResponse{}, fmt.Errorf(
			"can't update Helm Release with unreachable cluster: %s", cluster.unreachable)
	}
	ctx, done := cluster.cancellable(ctx)
	defer done()
	configuration, err := cluster.helm(textAt(request.State, "namespace"))
	if err != nil {
		return p.UpdateResponse{}, err
	}
	loaded, from, err := cluster.loadChart(inputs)
	if err != nil {
		return p.UpdateResponse{}, err
	}
	upgrade := action.NewUpgrade(configuration)
	upgrade.ChartPathOptions = from.options
	setUpgrade(upgrade, inputs)
	upgrade.Namespace = textAt(inputs, "namespace")
	made, err := upgrade.RunWithContext(ctx, textAt(inputs, "name"), loaded, mapToAny(mapAt(inputs, "values")))
	cluster.clients.mapper.Reset()
	if err == nil {
		return p.UpdateResponse{Properties: releaseState(inputs, inputs, made)}, nil
	}
	if made == nil || errors.Is(err, driver.ErrNoDeployedReleases) {
		return p.UpdateResponse{}, err
	}
	err = fmt.Errorf("Helm release %q failed to initialize completely. Use Helm CLI to investigate: %w",
		releaseID(inputs), failure(inputs, err))
	failed := &p.InitializationFailed{Reasons: []string{err.Error()}}
	return p.UpdateResponse{Properties: releaseState(inputs, inputs, made), PartialState: failed}, err
}

// setUpgrade hands the inputs to Helm.
func setUpgrade(upgrade *action.Upgrade, inputs property.Map) {
	upgrade.Timeout = releaseTime(inputs)
	upgrade.Atomic = isSet(inputs, "atomic")
	upgrade.Wait = !isSet(inputs, "skipAwait")
	upgrade.WaitForJobs = upgrade.Wait && isSet(inputs, "waitForJobs")
	upgrade.CleanupOnFail = isSet(inputs, "cleanupOnFail")
	upgrade.DisableHooks = isSet(inputs, "disableCRDHooks")
	upgrade.SubNotes = isSet(inputs, "renderSubchartNotes")
	upgrade.Description = textAt(inputs, "description")
	upgrade.Force = isSet(inputs, "forceUpdate")
	upgrade.Recreate = isSet(inputs, "recreatePods")
	upgrade.ReuseValues = isSet(inputs, "reuseValues")
	upgrade.ResetValues = isSet(inputs, "resetValues")
	upgrade.TakeOwnership = isSet(inputs, "takeOwnership")
	upgrade.Devel = isSet(inputs, "devel")
	if value := inputs.Get("maxHistory"); value.IsNumber() {
		upgrade.MaxHistory = int(value.AsNumber())
	}
}

// plannedRelease is what a preview gives as outputs.
func plannedRelease(inputs property.Map) property.Map {
	unknown := property.New(property.Computed)
	return inputs.Set("resourceNames", unknown).Set("status", unknown).
		Set(savedInputs, property.New(inputs).WithSecret(true))
}

// isGone says whether Helm knows nothing of the release.
func isGone(err error) bool { return errors.Is(err, driver.ErrReleaseNotFound) }
