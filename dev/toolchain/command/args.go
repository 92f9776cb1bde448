package main

import (
	"net"
	"strconv"
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
func (proxy *Proxy) Annotate(annotator infer.Annotator) {
	annotator.SetToken("remote", "ProxyConnection")
	proxy.setDefaults(annotator)
}

// Annotate sets the name that the SDK has for the type.
func (connection *Connection) Annotate(annotator infer.Annotator) {
	annotator.SetToken("remote", "Connection")
	connection.setDefaults(annotator)
}

// setDefaults notes what is recorded where nothing is given.
func (endpoint *Endpoint) setDefaults(annotator infer.Annotator) {
	annotator.SetDefault(&endpoint.User, defaultUser)
	annotator.SetDefault(&endpoint.Port, defaultPort)
	annotator.SetDefault(&endpoint.DialErrorLimit, defaultDialErrorLimit)
	annotator.SetDefault(&endpoint.PerDialTimeout, defaultPerDialTimeout)
}

// address is host and port.
func (endpoint *Endpoint) address() string {
	return net.JoinHostPort(endpoint.Host, strconv.Itoa(int(valueOr(endpoint.Port, defaultPort))))
}

// errorLimit is how many failed attempts are followed by another one; -1: any number.
func (endpoint *Endpoint) errorLimit() int {
	return valueOr(endpoint.DialErrorLimit, defaultDialErrorLimit)
}

// dialTimeout is the time for opening a connection, handshake not included; 0: any time.
func (endpoint *Endpoint) dialTimeout() time.Duration {
	return time.Duration(valueOr(endpoint.PerDialTimeout, defaultPerDialTimeout)) * time.Second
}

// Logging says which output goes to Pulumi's log; unset is both.
type Logging string

// The kinds of logging.
const (
	logNone   Logging = "none"
	logStdout Logging = "stdout"
	logStderr Logging = "stderr"
	logBoth   Logging = "stdoutAndStderr"
)

// Values are the kinds by the SDK's names.
func (Logging) Values() []infer.EnumValue[Logging] {
	var kinds []infer.EnumValue[Logging]
	for _, kind := range []Logging{logStdout, logStderr, logBoth, logNone} {
		kinds = append(kinds, infer.EnumValue[Logging]{Name: string(kind), Value: kind})
	}
	return kinds
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
	Logging                *Logging          `pulumi:"logging,optional"`
	AddPreviousOutputInEnv *bool             `pulumi:"addPreviousOutputInEnv,optional"`
}

// State is what is kept: the inputs, and what the last script wrote.
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
