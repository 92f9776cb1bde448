package main

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	p "github.com/pulumi/pulumi-go-provider"
	"k8s.io/apimachinery/pkg/api/meta"
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
	defaultBurst = 100
)

// Cluster is the provider's cluster: its options, and clients that are made when the first operation needs them.
type Cluster struct {
	options Options
	once    sync.Once
	made    *clients
	failed  error
	stop    context.Context
	cancel  context.CancelFunc
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

// configure takes the options.
func (cluster *Cluster) configure(_ context.Context, request p.ConfigureRequest) error {
	cluster.options = decodeOptions(request.Args)
	return nil
}

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
		config = api.NewConfig() // empty: connect says that there is no cluster in it
	}
	return clientcmd.NewDefaultClientConfig(*config, overrides)
}

// connect makes the clients, once. Nothing before it touches the network, so a preview needs no cluster.
func (cluster *Cluster) connect() (*clients, error) {
	cluster.once.Do(func() { cluster.made, cluster.failed = cluster.options.clients() })
	return cluster.made, cluster.failed
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

// reachable says whether the API server answers.
func (clients *clients) reachable() bool {
	_, err := clients.discovery.ServerVersion()
	return err == nil
}

// defaultNamespace is the provider's, else the kubeconfig's, else "default".
func (cluster *Cluster) defaultNamespace() string {
	if namespace, _, err := cluster.options.loader("").Namespace(); err == nil && namespace != "" {
		return namespace
	}
	return "default"
}

// limited gives an operation its time: `seconds` where that is set (customTimeouts), else the fallback. It also ends
// when Pulumi cancels.
func (cluster *Cluster) limited(
	ctx context.Context, seconds float64, fallback time.Duration,
) (context.Context, context.CancelFunc) {
	if seconds > 0 {
		fallback = time.Duration(seconds * float64(time.Second))
	}
	limited, cancel := context.WithTimeout(ctx, fallback)
	stop := context.AfterFunc(cluster.stop, cancel)
	return limited, func() { stop(); cancel() }
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

var errNoKind = errors.New("the API server does not know the kind")

// isNoKind says whether an error means that a kind does not exist (yet, or any more).
func isNoKind(err error) bool { return errors.Is(err, errNoKind) || meta.IsNoMatchError(err) }
