package main

import (
	"context"
	"fmt"
	"net"
	"strconv"
	"time"

	p "github.com/pulumi/pulumi-go-provider"
	"github.com/pulumi/pulumi/sdk/v3/go/common/util/retry"
	"golang.org/x/crypto/ssh"
)

// anyNumber is the limit of errors that stands for none.
const anyNumber = -1

// dial logs in on the target, through the proxy where there is one.
//
// The way through a proxy has three parts, each with a limit of errors of its own, and nothing goes back to a part that
// has ended well: the login on the proxy, the connection from there to the target, the login on the target. The last
// one has only that single connection for all its attempts, so that a target whose SSH server closes it is lost, and no
// limit of time: both are the official provider's.
func dial(ctx context.Context, connection *Connection) (*ssh.Client, error) {
	config, err := connection.clientConfig()
	if err != nil {
		return nil, err
	}
	if connection.Proxy == nil {
		return repeat(ctx, "Dial", connection.errorLimit(), func() (*ssh.Client, error) {
			return ssh.Dial("tcp", connection.address(), config)
		})
	}
	client, err := dialThrough(ctx, connection, config)
	if err != nil {
		return nil, fmt.Errorf("proxy: %w", err)
	}
	return client, nil
}

// dialThrough logs in on the target through the proxy.
func dialThrough(ctx context.Context, connection *Connection, config *ssh.ClientConfig) (*ssh.Client, error) {
	proxyConfig, err := connection.Proxy.clientConfig()
	if err != nil {
		return nil, err
	}
	proxy, err := repeat(ctx, "Dial proxy", connection.Proxy.errorLimit(), func() (*ssh.Client, error) {
		return ssh.Dial("tcp", connection.Proxy.address(), proxyConfig)
	})
	if err != nil {
		return nil, err
	}
	way, err := repeat(ctx, "Dial from proxy", connection.errorLimit(), func() (net.Conn, error) {
		return proxy.Dial("tcp", connection.address())
	})
	if err != nil {
		return nil, err
	}
	return repeat(ctx, "Dial", connection.errorLimit(), func() (*ssh.Client, error) {
		transport, channels, requests, err := ssh.NewClientConn(way, connection.address(), config)
		if err != nil {
			return nil, err
		}
		return ssh.NewClient(transport, channels, requests), nil
	})
}

// repeat makes attempts until one succeeds, ctx ends, or one more than the limit has failed. Pulumi's own pauses are
// between them: 0.1 s, half as long again each time, 5 s at most. Ten take some 11 s, twenty 61 s.
func repeat[T any](ctx context.Context, what string, limit int, attempt func() (T, error)) (T, error) {
	var result T
	limitText := "inf"
	if limit != anyNumber {
		limitText = strconv.Itoa(limit)
	}
	ended, _, err := retry.Until(ctx, retry.Acceptor{Accept: func(before int, _ time.Duration) (bool, any, error) {
		made, err := attempt()
		if err == nil {
			result = made
			return true, nil, nil
		}
		if limit > anyNumber && before+1 > limit {
			return true, nil, fmt.Errorf("after %d failed attempts: %w", before, err)
		}
		p.GetLogger(ctx).InfoStatusf("%s %d/%s failed: retrying", what, before+1, limitText)
		return false, nil, nil
	}})
	if err == nil && !ended {
		err = ctx.Err()
	}
	return result, err
}
