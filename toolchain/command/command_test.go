package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/pulumi/pulumi-go-provider/infer"
	"golang.org/x/crypto/ssh"
)

func text(value string) *string { return &value }

// stateFor is a command on the target, through the proxy where there is one.
func stateFor(t *testing.T, target, proxy *testServer) *State {
	t.Helper()
	connection := &Connection{Endpoint: target.endpoint(t)}
	if proxy != nil {
		connection.Proxy = &Proxy{proxy.endpoint(t)}
	}
	return &State{Args: Args{Connection: connection}}
}

func TestScriptAndStdinGoThroughTheProxy(t *testing.T) {
	target, proxy := newServer(t, echo), newServer(t, echo)
	state := stateFor(t, target, proxy)
	state.Stdin = text("the input")
	if err := state.run(t.Context(), text("the script")); err != nil {
		t.Fatal(err)
	}
	if state.Stdout != "the script:the input\nlast" || state.Stderr != "warned" {
		t.Fatalf("stdout %q, stderr %q", state.Stdout, state.Stderr)
	}
}

func TestFailureTellsStatusHostAndOutputButNoScriptOrStdin(t *testing.T) {
	target := newServer(t, func(_ string, channel ssh.Channel) int {
		_, _ = io.ReadAll(channel)
		fmt.Fprint(channel.Stderr(), "disk is full\n")
		return 7
	})
	state := stateFor(t, target, nil)
	state.Stdin = text("topsecret")
	err := state.run(t.Context(), text("the script"))
	if err == nil {
		t.Fatal("no error")
	}
	for _, wanted := range []string{"exit status 7", "127.0.0.1", "disk is full"} {
		if !strings.Contains(err.Error(), wanted) {
			t.Errorf("%q is not in %q", wanted, err)
		}
	}
	for _, unwanted := range []string{"topsecret", "the script"} {
		if strings.Contains(err.Error(), unwanted) {
			t.Errorf("%q is in %q", unwanted, err)
		}
	}
}

func TestWithoutLoggingAnErrorShowsNoStdout(t *testing.T) {
	target := newServer(t, func(_ string, channel ssh.Channel) int {
		fmt.Fprint(channel, "topsecret\n")
		return 1
	})
	state := stateFor(t, target, nil)
	state.Logging = text(logNone)
	if err := state.run(t.Context(), text("x")); err == nil || strings.Contains(err.Error(), "topsecret") {
		t.Fatal(err)
	}
}

func TestAnotherHostKeyEndsDialingAtOnce(t *testing.T) {
	for _, end := range []string{"target", "proxy"} {
		target, proxy := newServer(t, echo), newServer(t, echo)
		state := stateFor(t, target, proxy)
		wrong := newSigner(t).PublicKey()
		line, checked := publicLine(wrong), target
		if end == "proxy" {
			state.Connection.Proxy.HostKey, checked = &line, proxy
		} else {
			state.Connection.HostKey = &line
		}
		err := state.run(t.Context(), text("x"))
		if err == nil || !strings.Contains(err.Error(), ssh.FingerprintSHA256(wrong)) ||
			!strings.Contains(err.Error(), "127.0.0.1") {
			t.Errorf("%s: %v", end, err)
		}
		if checked.accepted.Load() != 1 {
			t.Errorf("%s: dialed %d times", end, checked.accepted.Load())
		}
	}
}

func TestDialingStopsAtTheErrorLimit(t *testing.T) {
	target := newServer(t, echo)
	state := stateFor(t, target, nil)
	_ = target.listener.Close()
	begun := time.Now()
	err := state.run(t.Context(), text("x"))
	if err == nil || !strings.Contains(err.Error(), "after 3 attempts") {
		t.Fatal(err)
	}
	if took := time.Since(begun); took < 250*time.Millisecond { // 0.1 s and 0.15 s between three attempts
		t.Errorf("took only %s", took)
	}
}

func TestEachAttemptDialsTheProxyAnew(t *testing.T) {
	target, proxy := newServer(t, echo), newServer(t, echo)
	state := stateFor(t, target, proxy)
	_ = target.listener.Close()
	if err := state.run(t.Context(), text("x")); err == nil {
		t.Fatal("no error")
	}
	if proxy.accepted.Load() != 3 {
		t.Fatalf("the proxy was dialed %d times", proxy.accepted.Load())
	}
}

func TestSilentHandshakeEndsAfterTheDialTimeout(t *testing.T) {
	silent, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = silent.Close() }()
	state := stateFor(t, newServer(t, echo), newServer(t, echo))
	port, limit, seconds := float64(silent.Addr().(*net.TCPAddr).Port), 0, 1
	state.Connection.Port, state.Connection.DialErrorLimit, state.Connection.PerDialTimeout = &port, &limit, &seconds
	begun := time.Now()
	err = state.run(t.Context(), text("x"))
	if err == nil || !strings.Contains(err.Error(), "no answer") || time.Since(begun) > 5*time.Second {
		t.Fatalf("%v after %s", err, time.Since(begun))
	}
}

// hang is a command that never ends.
func hang(started chan<- bool) func(string, ssh.Channel) int {
	return func(_ string, channel ssh.Channel) int {
		fmt.Fprint(channel, "started\n")
		started <- true
		_, _ = io.ReadAll(channel)
		select {}
	}
}

func TestLostProxyIsAnErrorThatNamesBothEnds(t *testing.T) {
	interval := keepaliveInterval
	keepaliveInterval = 100 * time.Millisecond
	defer func() { keepaliveInterval = interval }()
	started := make(chan bool, 1)
	target, proxy := newServer(t, hang(started)), newServer(t, echo)
	wire := newRelay(t, proxy.listener.Addr())
	state := stateFor(t, target, proxy)
	port := float64(wire.listener.Addr().(*net.TCPAddr).Port)
	state.Connection.Proxy.Port = &port
	ended := make(chan error, 1)
	go func() { ended <- state.run(context.Background(), text("x")) }()
	<-started
	wire.frozen.Store(true)
	select {
	case err := <-ended:
		if err == nil || !strings.Contains(err.Error(), "connection to 127.0.0.1 through 127.0.0.1 lost") {
			t.Fatal(err)
		}
	case <-time.After(20 * time.Second):
		t.Fatal("still running")
	}
}

func TestCancelEndsACommand(t *testing.T) {
	started := make(chan bool, 1)
	state := stateFor(t, newServer(t, hang(started)), nil)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- state.run(ctx, text("x")) }()
	<-started
	cancel()
	select {
	case err := <-ended:
		if err == nil || !strings.Contains(err.Error(), "cancelled") {
			t.Fatal(err)
		}
	case <-time.After(10 * time.Second):
		t.Fatal("still running")
	}
}

func TestRefusedEnvironmentIsExplained(t *testing.T) {
	target := newServer(t, echo)
	target.refuseEnvironment = true
	state := stateFor(t, target, nil)
	state.Environment = map[string]string{"COLOUR": "red"}
	err := state.run(t.Context(), text("x"))
	if err == nil || !strings.Contains(err.Error(), "AcceptEnv") || !strings.Contains(err.Error(), "COLOUR") {
		t.Fatal(err)
	}
}

func TestUpdateWithoutAScriptOfItsOwnRunsCreate(t *testing.T) {
	before := stateFor(t, newServer(t, echo), nil)
	inputs := before.Args
	inputs.Create = text("created")
	request := infer.UpdateRequest[Args, State]{Inputs: inputs, State: *before}
	response, err := new(Command).Update(t.Context(), request)
	if err != nil || !strings.HasPrefix(response.Output.Stdout, "created:") {
		t.Fatalf("%v %q", err, response.Output.Stdout)
	}
	request.Inputs.Update = text("updated")
	response, err = new(Command).Update(t.Context(), request)
	if err != nil || !strings.HasPrefix(response.Output.Stdout, "updated:") {
		t.Fatalf("%v %q", err, response.Output.Stdout)
	}
}

func TestWithoutAScriptNobodyIsDialed(t *testing.T) {
	target := newServer(t, echo)
	state := stateFor(t, target, nil)
	if _, err := new(Command).Delete(t.Context(), infer.DeleteRequest[State]{State: *state}); err != nil {
		t.Fatal(err)
	}
	// Only a script for the end: it runs neither when the command is made nor when it changes.
	inputs := state.Args
	inputs.Delete = text("deleted")
	if _, err := new(Command).Create(t.Context(), infer.CreateRequest[Args]{Inputs: inputs}); err != nil {
		t.Fatal(err)
	}
	request := infer.UpdateRequest[Args, State]{Inputs: inputs, State: *state}
	if _, err := new(Command).Update(t.Context(), request); err != nil {
		t.Fatal(err)
	}
	if target.accepted.Load() != 0 {
		t.Fatal("dialed")
	}
}

func TestLinesAreCutAndFlushed(t *testing.T) {
	var lines []string
	output := &stream{line: func(line string) { lines = append(lines, line) }}
	for _, piece := range []string{"on", "e\r\ntwo\n", strings.Repeat("x", longestLine+3), "\nthree"} {
		_, _ = output.Write([]byte(piece))
	}
	output.flush()
	got := strings.Join(lines, "|")
	if got != "one|two|"+strings.Repeat("x", longestLine)+"|xxx|three" {
		t.Fatalf("%d lines: %.40s", len(lines), got)
	}
	if !strings.HasSuffix(output.text(), "\nthree") {
		t.Fatal("the output is not whole")
	}
}
