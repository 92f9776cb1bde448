package main

import (
	"io"
	"maps"
	"os"

	"helm.sh/helm/v3/pkg/action"
	"helm.sh/helm/v3/pkg/cli"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/restmapper"
	"k8s.io/client-go/tools/clientcmd"
)

// clusterGetter hands Helm the provider's clients, seen from one namespace.
type clusterGetter struct {
	*clients
	options   Options
	namespace string
}

// ToRESTConfig is asked by Helm.
func (getter clusterGetter) ToRESTConfig() (*rest.Config, error) {
	return rest.CopyConfig(getter.rest), nil
}

// ToDiscoveryClient is asked by Helm.
func (getter clusterGetter) ToDiscoveryClient() (discovery.CachedDiscoveryInterface, error) {
	return getter.discovery, nil
}

// ToRESTMapper is asked by Helm.
func (getter clusterGetter) ToRESTMapper() (meta.RESTMapper, error) {
	return restmapper.NewShortcutExpander(getter.mapper, getter.discovery, nil), nil
}

// ToRawKubeConfigLoader is asked by Helm.
func (getter clusterGetter) ToRawKubeConfigLoader() clientcmd.ClientConfig {
	return maps.Clone(getter.options).loader(getter.namespace)
}

// helmSettings are where Helm keeps what it has downloaded.
func (cluster *Cluster) helmSettings() *cli.EnvSettings {
	const given = "helmReleaseSettings"
	settings := cli.New()
	settings.RepositoryCache = cluster.options.nested(given, "repositoryCache", settings.RepositoryCache)
	settings.RepositoryConfig = cluster.options.nested(given, "repositoryConfigPath", settings.RepositoryConfig)
	settings.RegistryConfig = cluster.options.nested(given, "registryConfigPath", settings.RegistryConfig)
	return settings
}

// helm prepares Helm for one namespace.
func (cluster *Cluster) helm(namespace string) (*action.Configuration, error) {
	driver := cluster.options.nested("helmReleaseSettings", "driver", os.Getenv("PULUMI_K8S_HELM_DRIVER"))
	configuration := new(action.Configuration)
	getter := clusterGetter{clients: cluster.clients, options: cluster.options, namespace: namespace}
	silent := func(string, ...any) {}
	return configuration, configuration.Init(getter, namespace, driver, silent)
}

// nowhere takes what Helm would print.
var nowhere = io.Discard
