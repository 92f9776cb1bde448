// Command pulumi-language-python stands between the engine and Pulumi's Python language host where the official one cannot
// be downloaded. The newest host that is a Go module is of 2023, and today's engine has the host run policy packs: it
// sends the pack's folder in a field that this host does not know. Everything goes through untouched but that request.
package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
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

// run starts the host, which prints the port on which it serves, and serves the engine on another one until the host ends.
func run() error {
	own, err := os.Executable()
	if err != nil {
		return err
	}
	host := exec.Command(filepath.Join(filepath.Dir(own), hostBinary), os.Args[1:]...)
	host.Stderr = os.Stderr
	output, err := host.StdoutPipe()
	if err != nil {
		return err
	}
	if err := host.Start(); err != nil {
		return err
	}
	// The host also ends by itself, when the engine is gone.
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	go func() {
		for received := range signals {
			_ = host.Process.Signal(received)
		}
	}()
	lines := bufio.NewReader(output)
	port, err := lines.ReadString('\n')
	if err != nil {
		return fmt.Errorf("%s has not said its port: %w", hostBinary, host.Wait())
	}
	if err := serve("127.0.0.1:" + strings.TrimSpace(port)); err != nil {
		_ = host.Process.Kill()
		return err
	}
	if _, err := io.Copy(os.Stdout, lines); err != nil {
		return err
	}
	return ended(host.Wait())
}

// ended is what is wrong with the end of the host. The engine interrupts its plugins when it is done: that is no error.
func ended(err error) error {
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		if status, ok := exit.Sys().(syscall.WaitStatus); ok && status.Signaled() &&
			(status.Signal() == syscall.SIGINT || status.Signal() == syscall.SIGTERM) {
			return nil
		}
	}
	return err
}
