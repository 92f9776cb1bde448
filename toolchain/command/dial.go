package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"time"

	"golang.org/x/crypto/ssh"
)

// The official provider's pauses between attempts: 0.1 s, half as long again each time, 5 s at most. Ten attempts take
// some 11 s, thirty 111 s, sixty 261 s, where each fails at once.
const (
	firstPause   = 100 * time.Millisecond
	pauseGrowth  = 1.5
	longestPause = 5 * time.Second
)

// client is a login on the target, with the one on the proxy that carries it.
type client struct {
	*ssh.Client
	proxy *ssh.Client
	names string
}

// close ends both logins.
func (client *client) close() {
	_ = client.Close()
	if client.proxy != nil {
		_ = client.proxy.Close()
	}
}

// dial logs in, again and again until the limit of errors is reached. Each attempt goes through the proxy anew: the
// proxy's address may have moved to another machine since the last one.
func dial(ctx context.Context, connection *Connection) (*client, error) {
	pause := firstPause
	proxyErrors, targetErrors := 0, 0
	for {
		made, atProxy, err := dialOnce(ctx, connection)
		if err == nil {
			return made, nil
		}
		var wrongKey *hostKeyError
		if errors.As(err, &wrongKey) {
			return nil, err
		}
		if atProxy {
			proxyErrors++
		} else {
			targetErrors++
		}
		if exhausted(connection.errorLimit(), targetErrors) ||
			(connection.Proxy != nil && exhausted(connection.Proxy.errorLimit(), proxyErrors)) {
			return nil, fmt.Errorf("no connection to %s after %d attempts: %w",
				connection, proxyErrors+targetErrors, err)
		}
		select {
		case <-ctx.Done():
			return nil, fmt.Errorf("no connection to %s: %w; last attempt: %w", connection, ctx.Err(), err)
		case <-time.After(pause):
		}
		pause = min(time.Duration(float64(pause)*pauseGrowth), longestPause)
	}
}

// exhausted says whether one more error than the limit has been seen; a negative limit is none.
func exhausted(limit, seen int) bool { return limit >= 0 && seen > limit }

// dialOnce makes one attempt and says at which end it failed.
func dialOnce(ctx context.Context, connection *Connection) (made *client, atProxy bool, err error) {
	dialer := net.Dialer{}
	if connection.Proxy == nil {
		target, err := login(ctx, &connection.Endpoint, dialer.DialContext)
		return &client{Client: target, names: connection.String()}, false, err
	}
	proxy, err := login(ctx, &connection.Proxy.Endpoint, dialer.DialContext)
	if err != nil {
		return nil, true, fmt.Errorf("proxy %s: %w", connection.Proxy.Host, err)
	}
	target, err := login(ctx, &connection.Endpoint, proxy.DialContext)
	if err != nil {
		_ = proxy.Close()
		return nil, false, err
	}
	return &client{Client: target, proxy: proxy, names: connection.String()}, false, nil
}

// login opens a connection with `open` and does the SSH handshake on it, both within the endpoint's time for a dial.
func login(
	ctx context.Context, endpoint *Endpoint, open func(context.Context, string, string) (net.Conn, error),
) (*ssh.Client, error) {
	config, done, err := endpoint.clientConfig()
	if err != nil {
		return nil, err
	}
	defer done()
	if limit := endpoint.dialTimeout(); limit > 0 {
		var cancel context.CancelFunc
		silent := fmt.Errorf("no answer from %s within %s", endpoint.address(), limit)
		ctx, cancel = context.WithTimeoutCause(ctx, limit, silent)
		defer cancel()
	}
	connection, err := open(ctx, "tcp", endpoint.address())
	if err != nil {
		return nil, causeOr(ctx, err)
	}
	// A connection through a proxy has no deadlines: closing it is what ends a handshake that hangs.
	stop := context.AfterFunc(ctx, func() { _ = connection.Close() })
	transport, channels, requests, err := ssh.NewClientConn(connection, endpoint.address(), config)
	if err != nil {
		stop()
		_ = connection.Close()
		return nil, endpoint.withoutExpectedKey(causeOr(ctx, err))
	}
	if !stop() {
		_ = transport.Close()
		return nil, causeOr(ctx, ctx.Err())
	}
	return ssh.NewClient(transport, channels, requests), nil
}

// causeOr prefers the reason for which a context ended, where it has, to the error that this led to.
func causeOr(ctx context.Context, err error) error {
	if cause := context.Cause(ctx); cause != nil {
		return cause
	}
	return err
}
