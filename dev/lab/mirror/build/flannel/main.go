// Command flanneld is a stand-in for the flannel project's own main, over the same packages.
//
// The upstream main also registers cloud backends, one of whose SDK modules cannot be had from the Go module proxy. This one
// has the Kubernetes subnet manager and the backends vxlan and host-gw. Flags have upstream's names and meanings; one is our
// own: --cni-conf, because flannel's CNI delegate plugin lives in a module of its own that cannot be had either.
package main

import (
	"context"
	"flag"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/signal"
	"strconv"
	"sync"
	"syscall"
	"time"

	"github.com/flannel-io/flannel/pkg/backend"
	_ "github.com/flannel-io/flannel/pkg/backend/hostgw"
	_ "github.com/flannel-io/flannel/pkg/backend/vxlan"
	"github.com/flannel-io/flannel/pkg/ip"
	"github.com/flannel-io/flannel/pkg/ipmatch"
	"github.com/flannel-io/flannel/pkg/subnet"
	"github.com/flannel-io/flannel/pkg/subnet/kube"
	"github.com/flannel-io/flannel/pkg/trafficmngr"
	"github.com/flannel-io/flannel/pkg/trafficmngr/iptables"
	"github.com/flannel-io/flannel/pkg/trafficmngr/nftables"
	log "k8s.io/klog/v2"
)

// version is stamped at link time.
var version = "unknown"

// rulesResyncSeconds is how often the packet filter rules are checked: upstream's default of --iptables-resync.
const rulesResyncSeconds = 5

type options struct {
	interfaces       names
	apiURL           string
	kubeconfig       string
	annotationPrefix string
	networkConfig    string
	subnetFile       string
	cniConfig        string
	masquerade       bool
	healthzAddress   string
	healthzPort      int
	showVersion      bool
}

// names is a flag that may be given more than once.
type names []string

func (n *names) String() string         { return fmt.Sprint([]string(*n)) }
func (n *names) Set(value string) error { *n = append(*n, value); return nil }

func parseOptions() options {
	var o options
	log.InitFlags(nil)
	flag.Var(&o.interfaces, "iface", "interface (name or address) for traffic between hosts; may be repeated, the first match is used")
	flag.StringVar(&o.apiURL, "kube-api-url", "", "URL of the API server; not needed in a pod")
	flag.StringVar(&o.kubeconfig, "kubeconfig-file", "", "kubeconfig; not needed in a pod")
	flag.StringVar(&o.annotationPrefix, "kube-annotation-prefix", "flannel.alpha.coreos.com", "prefix of the node annotations")
	flag.StringVar(&o.networkConfig, "net-config-path", "/etc/kube-flannel/net-conf.json", "network configuration")
	flag.StringVar(&o.subnetFile, "subnet-file", "/run/flannel/subnet.env", "file that gets this host's subnet and MTU")
	flag.StringVar(&o.cniConfig, "cni-conf", "", "file that gets a CNI configuration of bridge, host-local and portmap")
	flag.BoolVar(&o.masquerade, "ip-masq", false, "masquerade traffic that leaves the pod network")
	flag.StringVar(&o.healthzAddress, "healthz-ip", "0.0.0.0", "address of the health server")
	flag.IntVar(&o.healthzPort, "healthz-port", 0, "port of the health server, 0 for none")
	flag.BoolVar(&o.showVersion, "version", false, "print the version and exit")
	kubeSubnetManager := flag.Bool("kube-subnet-mgr", true, "take subnets from the Kubernetes API (the only way here)")
	flag.Parse()
	if !*kubeSubnetManager {
		fail("flags", fmt.Errorf("--kube-subnet-mgr=false: this flanneld has no etcd subnet manager"))
	}
	return o
}

func fail(what string, err error) {
	log.Errorf("%s: %v", what, err)
	log.Flush()
	os.Exit(1)
}

// networkConfig asks for the network configuration until there is one or the process is told to stop.
func networkConfig(ctx context.Context, manager subnet.Manager) *subnet.Config {
	for {
		config, err := manager.GetNetworkConfig(ctx)
		if err == nil && config != nil {
			return config
		}
		log.Warningf("no network configuration yet: %v", err)
		select {
		case <-ctx.Done():
			os.Exit(0)
		case <-time.After(time.Second):
		}
	}
}

// externalInterface finds the interface for traffic between hosts: the first match of --iface, else that of the default route.
func externalInterface(wanted names, config *subnet.Config) (*backend.ExternalInterface, error) {
	family, err := ipmatch.GetIPFamily(config.EnableIPv4, config.EnableIPv6)
	if err != nil {
		return nil, err
	}
	if len(wanted) == 0 {
		return ipmatch.LookupExtIface("", "", "", family, ipmatch.PublicIPOpts{})
	}
	for _, name := range wanted {
		found, err := ipmatch.LookupExtIface(name, "", "", family, ipmatch.PublicIPOpts{})
		if err == nil && found != nil {
			return found, nil
		}
		log.Warningf("interface %s: %v", name, err)
	}
	return nil, fmt.Errorf("none of %v exists", wanted)
}

func trafficManager(config *subnet.Config) trafficmngr.TrafficManager {
	if config.EnableNFTables {
		return &nftables.NFTablesManager{}
	}
	return &iptables.IPTablesManager{}
}

func serveHealth(o options) {
	if o.healthzPort == 0 {
		return
	}
	mux := http.NewServeMux()
	mux.HandleFunc("/healthz", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "flanneld is running") })
	go func() {
		err := http.ListenAndServe(net.JoinHostPort(o.healthzAddress, strconv.Itoa(o.healthzPort)), mux)
		fail("health server", err)
	}()
}

func main() {
	o := parseOptions()
	if o.showVersion {
		fmt.Fprintln(os.Stderr, version)
		return
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()

	manager, err := kube.NewSubnetManager(ctx, o.apiURL, o.kubeconfig, o.annotationPrefix, o.networkConfig, true)
	if err != nil {
		fail("subnet manager", err)
	}
	serveHealth(o)
	config := networkConfig(ctx, manager)
	external, err := externalInterface(o.interfaces, config)
	if err != nil {
		fail("interface between hosts", err)
	}
	driver, err := backend.NewManager(ctx, manager, external).GetBackend(config.BackendType)
	if err != nil {
		fail("backend "+config.BackendType, err)
	}
	var running sync.WaitGroup
	network, err := driver.RegisterNetwork(ctx, &running, config)
	if err != nil {
		fail("network", err)
	}
	lease := network.Lease()
	traffic := trafficManager(config)
	if err := traffic.Init(ctx); err != nil {
		fail("packet filter", err)
	}
	if o.masquerade {
		err := traffic.SetupAndEnsureMasqRules(ctx, config.Network, ip.IP4Net{}, ip.IP4Net{},
			config.IPv6Network, ip.IP6Net{}, ip.IP6Net{}, lease, rulesResyncSeconds, false)
		if err != nil {
			fail("masquerading", err)
		}
	}
	traffic.SetupAndEnsureForwardRules(ctx, config.Network, config.IPv6Network, rulesResyncSeconds)
	if err := manager.HandleSubnetFile(o.subnetFile, config, o.masquerade, lease.Subnet, lease.IPv6Subnet, network.MTU()); err != nil {
		fail("subnet file", err)
	}
	if err := writeCNIConfig(o.cniConfig, lease.Subnet, config.Network, network.MTU()); err != nil {
		fail("CNI configuration", err)
	}
	log.Infof("backend %s, subnet %v, MTU %d", config.BackendType, lease.Subnet, network.MTU())

	running.Add(1)
	go func() {
		defer running.Done()
		network.Run(ctx)
	}()
	if err := manager.CompleteLease(ctx, lease, &running); err != nil {
		log.Errorf("lease: %v", err)
	}
	running.Wait()
}
