package main

import (
	"fmt"
	"net/url"
	"strings"

	"github.com/pulumi/pulumi/sdk/v3/go/property"
	"helm.sh/helm/v3/pkg/action"
	"helm.sh/helm/v3/pkg/chart"
	"helm.sh/helm/v3/pkg/chart/loader"
	"helm.sh/helm/v3/pkg/cli"
	"helm.sh/helm/v3/pkg/downloader"
	"helm.sh/helm/v3/pkg/getter"
	"helm.sh/helm/v3/pkg/registry"
	"sigs.k8s.io/yaml"
)

// chartSource is everything that says where a chart comes from.
type chartSource struct {
	reference string
	options   action.ChartPathOptions
}

// source reads chart, version and repositoryOpts. A registry (oci://...) is in the chart's own name.
func source(inputs property.Map) chartSource {
	repository := mapAt(inputs, "repositoryOpts")
	from := chartSource{reference: strings.TrimSpace(textAt(inputs, "chart"))}
	from.options.Version = strings.TrimSpace(textAt(inputs, "version"))
	from.options.CaFile = textAt(repository, "caFile")
	from.options.CertFile = textAt(repository, "certFile")
	from.options.KeyFile = textAt(repository, "keyFile")
	from.options.Username = textAt(repository, "username")
	from.options.Password = textAt(repository, "password")
	place := textAt(repository, "repo")
	if _, err := url.ParseRequestURI(place); err == nil && !registry.IsOCI(from.reference) {
		from.options.RepoURL = place
	} else if place != "" && !strings.Contains(from.reference, "/") {
		from.reference = place + "/" + from.reference
	}
	if from.options.Version == "" && isSet(inputs, "devel") {
		from.options.Version = ">0.0.0-0"
	}
	return from
}

// registryClient is Helm's client for charts in registries. It goes on without TLS where a registry has none.
func (from chartSource) registryClient(settings *cli.EnvSettings) (*registry.Client, error) {
	options := []registry.ClientOption{
		registry.ClientOptWriter(nowhere),
		registry.ClientOptCredentialsFile(settings.RegistryConfig),
		registry.ClientOptEnableCache(true),
	}
	if from.options.Username != "" {
		options = append(options, registry.ClientOptBasicAuth(from.options.Username, from.options.Password))
	}
	return registry.NewClient(options...)
}

// loadChart downloads a chart where it is not here and reads it; it needs no cluster.
func (cluster *Cluster) loadChart(inputs property.Map) (*chart.Chart, chartSource, error) {
	cluster.charts.Lock()
	defer cluster.charts.Unlock()
	settings, from := cluster.helmSettings(), source(inputs)
	client, err := from.registryClient(settings)
	if err != nil {
		return nil, from, err
	}
	located := action.NewInstall(new(action.Configuration))
	located.ChartPathOptions = from.options
	located.SetRegistryClient(client)
	path, err := located.LocateChart(from.reference, settings)
	if err != nil {
		return nil, from, err
	}
	loaded, err := loader.Load(path)
	if err != nil || loaded.Metadata.Dependencies == nil {
		return loaded, from, err
	}
	err = action.CheckDependencies(loaded, loaded.Metadata.Dependencies)
	if err == nil || !isSet(inputs, "dependencyUpdate") {
		return loaded, from, err
	}
	manager := downloader.Manager{
		Out: nowhere, ChartPath: path, Getters: getter.All(settings), RegistryClient: client,
		RepositoryConfig: settings.RepositoryConfig, RepositoryCache: settings.RepositoryCache,
	}
	if err := manager.Update(); err != nil {
		return nil, from, err
	}
	loaded, err = loader.Load(path)
	return loaded, from, err
}

// installable refuses charts that are libraries for others.
func installable(loaded *chart.Chart) error {
	switch loaded.Metadata.Type {
	case "", "application":
		return nil
	}
	return fmt.Errorf("%s charts are not installable", loaded.Metadata.Type)
}

// parsedAsset is a values file.
func parsedAsset(asset property.Value) (map[string]any, error) {
	content, err := assetContent(asset)
	if err != nil {
		return nil, err
	}
	parsed := map[string]any{}
	return parsed, yaml.Unmarshal(content, &parsed)
}
