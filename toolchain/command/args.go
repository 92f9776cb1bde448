package main

import (
	"fmt"
	"net"
	"time"

	"github.com/pulumi/pulumi-go-provider/infer"
)

// Endpoint is one machine to log in to: the target of a command or the proxy on the way to it.
type Endpoint struct {
	Host               string   `pulumi:"host"`
	User               *string  `pulumi:"user,optional"`
	Port               *float64 `pulumi:"port,optional"`
	PrivateKey         *string  `pulumi:"privateKey,optional" provider:"secret"`
	PrivateKeyPassword *string  `pulumi:"privateKeyPassword,optional" provider:"secret"`
	Password           *string  `pulumi:"password,optional" provider:"secret"`
	AgentSocketPath    *string  `pulumi:"agentSocketPath,optional"`
	HostKey            *string  `pulumi:"hostKey,optional"`
	DialErrorLimit     *int     `pulumi:"dialErrorLimit,optional"`
	PerDialTimeout     *int     `pulumi:"perDialTimeout,optional"`
}

// Proxy is the official type of the machine on the way.
type Proxy struct{ Endpoint }

// Connection is the official type of the target.
type Connection struct {
	Endpoint
	Proxy *Proxy `pulumi:"proxy,optional"`
}

// The defaults of the official provider.
const (
	defaultUser           = "root"
	defaultPort           = 22
	defaultDialErrorLimit = 10
	defaultPerDialTimeout = 15 // seconds
)

// Annotate sets the name that the SDK has for the type.
func (*Proxy) Annotate(annotator infer.Annotator) { annotator.SetToken("remote", "ProxyConnection") }

// Annotate sets the name that the SDK has for the type.
func (*Connection) Annotate(annotator infer.Annotator) { annotator.SetToken("remote", "Connection") }

// address is host and port.
func (endpoint *Endpoint) address() string {
	return net.JoinHostPort(endpoint.Host, fmt.Sprint(int(valueOr(endpoint.Port, defaultPort))))
}

// errorLimit is how many failed attempts end the dialing; negative: no number does.
func (endpoint *Endpoint) errorLimit() int {
	return valueOr(endpoint.DialErrorLimit, defaultDialErrorLimit)
}

// dialTimeout is the time for one attempt, handshake included; 0: any time.
func (endpoint *Endpoint) dialTimeout() time.Duration {
	return time.Duration(valueOr(endpoint.PerDialTimeout, defaultPerDialTimeout)) * time.Second
}

// String names the target and the way to it, for messages.
func (connection *Connection) String() string {
	if connection.Proxy == nil {
		return connection.Host
	}
	return fmt.Sprintf("%s through %s", connection.Host, connection.Proxy.Host)
}

// Args are the inputs of a command. A change of the triggers replaces it, any other is an update.
type Args struct {
	Connection             *Connection       `pulumi:"connection" provider:"secret"`
	Create                 *string           `pulumi:"create,optional"`
	Update                 *string           `pulumi:"update,optional"`
	Delete                 *string           `pulumi:"delete,optional"`
	Environment            map[string]string `pulumi:"environment,optional"`
	Stdin                  *string           `pulumi:"stdin,optional"`
	Triggers               *[]any            `pulumi:"triggers,optional" provider:"replaceOnChanges"`
	Logging                *string           `pulumi:"logging,optional"`
	AddPreviousOutputInEnv *bool             `pulumi:"addPreviousOutputInEnv,optional"`
}

// State is what is kept of a command: its inputs and what it last wrote.
type State struct {
	Args
	Stdout string `pulumi:"stdout"`
	Stderr string `pulumi:"stderr"`
}

// valueOr is what an optional input points to, or the fallback where it is unset.
func valueOr[T any](pointer *T, fallback T) T {
	if pointer == nil {
		return fallback
	}
	return *pointer
}
