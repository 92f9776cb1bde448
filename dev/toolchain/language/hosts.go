package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
)

// host is one running language host.
type host struct {
	process    *exec.Cmd
	connection *grpc.ClientConn
	// written is closed when all that its programs wrote has been passed on.
	written chan struct{}
}

// hosts are the running language hosts by the virtual environment in which each runs Python; "" stands for the python3
// on PATH. The host of 2023 takes a virtual environment as an option of its own, today's engine names it in requests.
type hosts struct {
	binary    string
	arguments []string
	lock      sync.Mutex
	running   map[string]*host
}

// in is the host for a virtual environment. The first request for one starts it.
func (all *hosts) in(virtualenv string) (*host, error) {
	all.lock.Lock()
	defer all.lock.Unlock()
	if running, ok := all.running[virtualenv]; ok {
		return running, nil
	}
	started, err := all.start(virtualenv)
	if err == nil {
		all.running[virtualenv] = started
	}
	return started, err
}

// start runs a host, which prints the port on which it serves.
func (all *hosts) start(virtualenv string) (*host, error) {
	arguments := all.arguments
	if virtualenv != "" {
		arguments = append([]string{"-virtualenv=" + virtualenv}, arguments...)
	}
	process := exec.Command(all.binary, arguments...)
	process.Stderr = os.Stderr
	output, err := process.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := process.Start(); err != nil {
		return nil, err
	}
	lines := bufio.NewReader(output)
	port, err := lines.ReadString('\n')
	if err != nil {
		return nil, fmt.Errorf("%s has not said its port: %w", filepath.Base(all.binary), process.Wait())
	}
	connection, err := grpc.NewClient("127.0.0.1:"+strings.TrimSpace(port),
		grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithDefaultCallOptions(
			grpc.ForceCodec(untouched{}), grpc.MaxCallRecvMsgSize(maxMessage), grpc.MaxCallSendMsgSize(maxMessage)),
	)
	if err != nil {
		_ = process.Process.Kill()
		return nil, err
	}
	started := &host{process: process, connection: connection, written: make(chan struct{})}
	go func() {
		defer close(started.written)
		_, _ = io.Copy(os.Stdout, lines)
	}()
	return started, nil
}

// signal passes a signal on to all of them.
func (all *hosts) signal(received os.Signal) {
	all.lock.Lock()
	defer all.lock.Unlock()
	for _, running := range all.running {
		_ = running.process.Process.Signal(received)
	}
}

// wait waits for the end of all of them: each ends by itself when the engine is gone.
func (all *hosts) wait() error {
	var first error
	for waited := map[*host]bool{}; ; {
		var next *host
		all.lock.Lock()
		for _, running := range all.running {
			if !waited[running] {
				next = running
			}
		}
		all.lock.Unlock()
		if next == nil {
			return first
		}
		waited[next] = true
		<-next.written
		if err := ended(next.process.Wait()); first == nil {
			first = err
		}
	}
}

// ended is what is wrong with the end of a host. The engine interrupts its plugins when it is done: that is no error.
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
