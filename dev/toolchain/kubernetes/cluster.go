package main

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	p "github.com/pulumi/pulumi-go-provider"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/discovery/cached/memory"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/restmapper"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/client-go/tools/clientcmd/api"
)

// Requests a second, and how many at once above that. The official provider's defaults.
const (
	defaultQPS   = 50
	defaultBurst = 120
)

// Cluster is the provider's cluster: its options and clients.
type Cluster struct {
	options Options
	clients *clients
	// unreachable is why the cluster could not be asked when the provider was configured; empty: it answered. It is
	// asked once: operations then fail, and previews go on without it.
	unreachable string
	// namespace is where objects go that name none.
	namespace string
	stop      context.Context
	cancel    context.CancelFunc
	// charts guards Helm's chart cache, which is not made for downloads side by side.
	charts sync.Mutex
}

// clients are the ways to talk to one API server.
type clients struct {
	rest      *rest.Config
	discovery discovery.CachedDiscoveryInterface
	mapper    *restmapper.DeferredDiscoveryRESTMapper
	dynamic   dynamic.Interface
}

func newCluster() *Cluster {
	cluster := &Cluster{options: Options{}}
	cluster.stop, cluster.cancel = context.WithCancel(context.Background())
	return cluster
}

// configure takes the options and asks the API server for its schema. What goes wrong is kept, not returned.
func (cluster *Cluster) configure(_ context.Context, request p.ConfigureRequest) error {
	cluster.options, cluster.unreachable = decodeOptions(request.Args), ""
	kubeconfig := cluster.options.text("kubeconfig")
	if kubeconfig != "" && !isFile(kubeconfig) {
		if _, err := clientcmd.Load([]byte(kubeconfig)); err != nil {
			cluster.unreachable = fmt.Sprintf("failed to parse kubeconfig data in `kubernetes:config:kubeconfig`- %v", err)
			return nil
		}
	}
	if namespace, _, err := cluster.options.loader("").Namespace(); err == nil {
		cluster.namespace = namespace
	}
	made, err := cluster.options.clients()
	if err != nil {
		cluster.unreachable = fmt.Sprintf("unable to load Kubernetes client configuration from kubeconfig file: %v", err)
		return nil
	}
	cluster.clients = made
	if _, err := made.discovery.OpenAPISchema(); err != nil {
		cluster.unreachable = fmt.Sprintf("unable to load schema information from the API server: %v", err)
	}
	return nil
}

// reached is nil, or the error of an operation for which the cluster had to answer.
func (cluster *Cluster) reached() error {
	if cluster.unreachable == "" {
		return nil
	}
	return fmt.Errorf("configured Kubernetes cluster is unreachable: %s", cluster.unreachable)
}

const dropUnreachable = "configured Kubernetes cluster is unreachable and the `deleteUnreachable` option is enabled. " +
	"Deleting the unreachable resource from Pulumi state"

// readUnreachable is a refresh without a cluster: an error, unless the options say to drop what cannot be read or to
// leave it as it was.
func (cluster *Cluster) readUnreachable(ctx context.Context, request p.ReadRequest) (p.ReadResponse, error) {
	p.GetLogger(ctx).Warning(cluster.reached().Error())
	switch {
	case cluster.options.deleteUnreachable():
		p.GetLogger(ctx).Info(dropUnreachable)
		return p.ReadResponse{}, nil
	case cluster.options.skipUpdateUnreachable():
		p.GetLogger(ctx).Info("configured Kubernetes cluster is unreachable and the `skipUnreachable` option is enabled. " +
			"Returned data could not reflect the actual cluster configuration.")
		return p.ReadResponse{ID: request.ID, Inputs: request.Inputs, Properties: request.Properties}, nil
	}
	return p.ReadResponse{}, errors.New("failed to read resource state due to unreachable cluster. " + useDeleteUnreachable)
}

const useDeleteUnreachable = "If the cluster was deleted, you can remove this resource from Pulumi state by rerunning " +
	"the operation with the PULUMI_K8S_DELETE_UNREACHABLE environment variable set to \"true\""

// loader reads the kubeconfig: given as text, as a file, or found where kubectl finds it. A namespace goes before the
// kubeconfig's own.
func (options Options) loader(namespace string) clientcmd.ClientConfig {
	if namespace == "" {
		namespace = options.text("namespace")
	}
	overrides := &clientcmd.ConfigOverrides{
		CurrentContext: options.text("context"),
		Context:        api.Context{Cluster: options.text("cluster"), Namespace: namespace},
	}
	kubeconfig := options.text("kubeconfig")
	switch {
	case kubeconfig == "":
		return clientcmd.NewNonInteractiveDeferredLoadingClientConfig(
			clientcmd.NewDefaultClientConfigLoadingRules(), overrides)
	case isFile(kubeconfig):
		return clientcmd.NewNonInteractiveDeferredLoadingClientConfig(
			&clientcmd.ClientConfigLoadingRules{ExplicitPath: kubeconfig}, overrides)
	}
	config, err := clientcmd.Load([]byte(kubeconfig))
	if err != nil {
		config = api.NewConfig() // empty: there is no cluster in it
	}
	return clientcmd.NewDefaultClientConfig(*config, overrides)
}

func (options Options) clients() (*clients, error) {
	config, err := options.loader("").ClientConfig()
	if err != nil {
		return nil, fmt.Errorf("kubeconfig: %w", err)
	}
	config.QPS, config.Burst = defaultQPS, defaultBurst
	config.WarningHandler = rest.NoWarnings{}
	options.applyClientSettings(config)
	fresh, err := discovery.NewDiscoveryClientForConfig(config)
	if err != nil {
		return nil, err
	}
	made := &clients{rest: config, discovery: memory.NewMemCacheClient(fresh)}
	made.mapper = restmapper.NewDeferredDiscoveryRESTMapper(made.discovery)
	made.dynamic, err = dynamic.NewForConfig(config)
	return made, err
}

// applyClientSettings takes over kubeClientSettings.
func (options Options) applyClientSettings(config *rest.Config) {
	settings, _ := options["kubeClientSettings"].(map[string]any)
	if qps, ok := settings["qps"].(float64); ok {
		config.QPS = float32(qps)
	}
	if burst, ok := settings["burst"].(float64); ok {
		config.Burst = int(burst)
	}
	if timeout, ok := settings["timeout"].(float64); ok {
		config.Timeout = time.Duration(timeout) * time.Second
	}
}

// cancellable is a context that ends when Pulumi cancels, too.
func (cluster *Cluster) cancellable(ctx context.Context) (context.Context, context.CancelFunc) {
	ended, cancel := context.WithCancel(ctx)
	stop := context.AfterFunc(cluster.stop, cancel)
	return ended, func() { stop(); cancel() }
}

// limited gives an operation its time: `seconds` where that is set (customTimeouts), else the fallback.
func (cluster *Cluster) limited(
	ctx context.Context, seconds float64, fallback time.Duration,
) (context.Context, context.CancelFunc) {
	if seconds > 0 {
		fallback = time.Duration(seconds * float64(time.Second))
	}
	ended, cancel := cluster.cancellable(ctx)
	limited, done := context.WithTimeout(ended, fallback)
	return limited, func() { done(); cancel() }
}

// wait sleeps, or returns early with the context's error.
func wait(ctx context.Context, pause time.Duration) error {
	timer := time.NewTimer(pause)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}
