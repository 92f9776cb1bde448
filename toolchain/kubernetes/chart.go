package main

import (
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/pulumi/pulumi/sdk/v3/go/property"
	"helm.sh/helm/v3/pkg/action"
	"helm.sh/helm/v3/pkg/chart"
	"helm.sh/helm/v3/pkg/chart/loader"
	"helm.sh/helm/v3/pkg/chartutil"
	"helm.sh/helm/v3/pkg/cli"
	"helm.sh/helm/v3/pkg/downloader"
	"helm.sh/helm/v3/pkg/getter"
	"helm.sh/helm/v3/pkg/registry"
	"sigs.k8s.io/yaml"
)

// plainHTTPHosts is the environment variable with the registries, as host or host:port with commas between, that are
// reached without TLS. The official provider has no such option: a mirror inside a closed site needs it.
const plainHTTPHosts = "PULUMI_K8S_STANDIN_PLAIN_HTTP"

// plainHTTP says whether a chart's registry is reached without TLS: on this machine, or listed.
func plainHTTP(reference string) bool {
	host, _, _ := strings.Cut(strings.TrimPrefix(reference, "oci://"), "/")
	name, _, _ := strings.Cut(host, ":")
	if name == "localhost" || name == "127.0.0.1" {
		return true
	}
	listed := strings.Split(os.Getenv(plainHTTPHosts), ",")
	return slices.ContainsFunc(listed, func(each string) bool {
		each = strings.TrimSpace(each)
		return each != "" && (each == host || each == name)
	})
}

// chartSource is everything that says where a chart comes from.
type chartSource struct {
	reference string
	options   action.ChartPathOptions
}

// source reads chart, version and repositoryOpts. A registry may be in either of chart and repositoryOpts.repo.
func source(inputs property.Map) chartSource {
	repository := mapAt(inputs, "repositoryOpts")
	from := chartSource{reference: textAt(inputs, "chart")}
	from.options.Version = textAt(inputs, "version")
	from.options.RepoURL = textAt(repository, "repo")
	from.options.CaFile = textAt(repository, "caFile")
	from.options.CertFile = textAt(repository, "certFile")
	from.options.KeyFile = textAt(repository, "keyFile")
	from.options.Username = textAt(repository, "username")
	from.options.Password = textAt(repository, "password")
	if registry.IsOCI(from.options.RepoURL) {
		from.reference = strings.TrimSuffix(from.options.RepoURL, "/") + "/" + from.reference
		from.options.RepoURL = ""
	}
	if from.options.Version == "" && isSet(inputs, "devel") {
		from.options.Version = ">0.0.0-0"
	}
	from.options.PlainHTTP = registry.IsOCI(from.reference) && plainHTTP(from.reference)
	return from
}

// registryClient is Helm's client for charts in registries.
func (from chartSource) registryClient(settings *cli.EnvSettings) (*registry.Client, error) {
	options := []registry.ClientOption{
		registry.ClientOptWriter(nowhere),
		registry.ClientOptCredentialsFile(settings.RegistryConfig),
		registry.ClientOptEnableCache(true),
	}
	if from.options.PlainHTTP {
		options = append(options, registry.ClientOptPlainHTTP())
	}
	if from.options.Username != "" {
		options = append(options, registry.ClientOptBasicAuth(from.options.Username, from.options.Password))
	}
	return registry.NewClient(options...)
}

// loadChart downloads a chart where it is not here and reads it. `options` are those of the Helm action, which know the
// registry client.
func (cluster *Cluster) loadChart(
	inputs property.Map, from chartSource, options *action.ChartPathOptions, settings *cli.EnvSettings,
	client *registry.Client,
) (*chart.Chart, error) {
	cluster.charts.Lock()
	defer cluster.charts.Unlock()
	path, err := options.LocateChart(from.reference, settings)
	if err != nil {
		return nil, fmt.Errorf("chart %s: %w", from.reference, err)
	}
	loaded, err := loader.Load(path)
	if err != nil || loaded.Metadata.Dependencies == nil {
		return loaded, err
	}
	err = action.CheckDependencies(loaded, loaded.Metadata.Dependencies)
	if err == nil {
		return loaded, nil
	}
	if !isSet(inputs, "dependencyUpdate") {
		return nil, fmt.Errorf("chart %s: %w (dependencyUpdate would fetch them)", from.reference, err)
	}
	manager := downloader.Manager{
		Out: nowhere, ChartPath: path, Getters: getter.All(settings), RegistryClient: client,
		RepositoryConfig: settings.RepositoryConfig, RepositoryCache: settings.RepositoryCache,
	}
	if err := manager.Update(); err != nil {
		return nil, fmt.Errorf("dependencies of chart %s: %w", from.reference, err)
	}
	return loader.Load(path)
}

// chartValues merges valueYamlFiles, later ones over earlier ones, and `values` over all.
func chartValues(inputs property.Map) (map[string]any, error) {
	merged := map[string]any{}
	if files := inputs.Get("valueYamlFiles"); files.IsArray() {
		for index, value := range files.AsArray().AsSlice() {
			content, err := assetContent(value)
			if err != nil {
				return nil, fmt.Errorf("valueYamlFiles[%d]: %w", index, err)
			}
			parsed := map[string]any{}
			if err := yaml.Unmarshal(content, &parsed); err != nil {
				return nil, fmt.Errorf("valueYamlFiles[%d]: %w", index, err)
			}
			merged = chartutil.CoalesceTables(parsed, merged)
		}
	}
	return chartutil.CoalesceTables(mapToAny(mapAt(inputs, "values")), merged), nil
}

// assetContent is the content of a text or file asset.
func assetContent(value property.Value) ([]byte, error) {
	if !value.IsAsset() {
		return nil, fmt.Errorf("no asset")
	}
	asset := value.AsAsset()
	if asset.Path != "" {
		return os.ReadFile(asset.Path)
	}
	return []byte(asset.Text), nil
}
