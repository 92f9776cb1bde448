// Command pulumi-language-python stands between the engine and Pulumi's Python language host where the official one cannot
// be downloaded. The newest host that is a Go module is of 2023, and today's engine tells it two things in a way that it
// does not know: the folder of a policy pack that it has to run, and the virtual environment that Pulumi.yaml names.
// Everything else goes through untouched.
package main

import (
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
)

// hostBinary is the host's name, in the folder of this program.
const hostBinary = "pulumi-language-python-host"

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "pulumi-language-python:", err)
		os.Exit(1)
	}
}

// run starts the host and serves the engine on a port of its own, which it prints, until the host ends.
func run() error {
	own, err := os.Executable()
	if err != nil {
		return err
	}
	all := &hosts{
		binary:    filepath.Join(filepath.Dir(own), hostBinary),
		arguments: os.Args[1:],
		running:   map[string]*host{},
	}
	// It also ends when the engine is gone, and this program with it.
	if _, err := all.in(""); err != nil {
		return err
	}
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	go func() {
		for received := range signals {
			all.signal(received)
		}
	}()
	if err := serve(all); err != nil {
		all.signal(os.Kill)
		return err
	}
	return all.wait()
}
