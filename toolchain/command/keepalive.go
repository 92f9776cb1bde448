package main

import (
	"context"
	"fmt"
	"time"
)

// A machine or address that is gone says nothing, and TCP alone would wait for a quarter of an hour.
var (
	keepaliveInterval = 5 * time.Second
	keepaliveMisses   = 3
)

// keepAlive asks the target for a sign of life until ctx ends. When three intervals pass without one, it closes the
// connection and cancels ctx with an error that names both ends.
func (client *client) keepAlive(ctx context.Context, cancel context.CancelCauseFunc) {
	ticker := time.NewTicker(keepaliveInterval)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		answered := make(chan error, 1)
		go func() {
			// The content of the answer does not matter: OpenSSH refuses the request, which is a sign of life too.
			_, _, err := client.SendRequest("keepalive@openssh.com", true, nil)
			answered <- err
		}()
		select {
		case <-ctx.Done():
			return
		case err := <-answered:
			if err == nil {
				continue
			}
		case <-time.After(time.Duration(keepaliveMisses) * keepaliveInterval):
		}
		cancel(client.lost())
		client.close()
		return
	}
}

// lost is the error of a connection that ended before the command did.
func (client *client) lost() error { return fmt.Errorf("connection to %s lost", client.names) }
