package main

import (
	"context"
	"errors"
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

func TestFailureShowsScriptAndOutputAndNoStdin(t *testing.T) {
	target := newServer(t, func(_ string, channel ssh.Channel) int {
		_, _ = io.ReadAll(channel)
		fmt.Fprint(channel, "began\n")
		fmt.Fprint(channel.Stderr(), "disk is full\n")
		return 7
	})
	state := stateFor(t, target, nil)
	state.Stdin = text("topsecret")
	err := state.run(t.Context(), text("the\nscript"))
	if err == nil {
		t.Fatal("no error")
	}
	if !strings.HasPrefix(err.Error(), "Process exited with status 7: running \"the\\nscript\":\n") {
		t.Errorf("%q", err)
	}
	for _, wanted := range []string{"began\n", "disk is full\n"} {
		if !strings.Contains(err.Error(), wanted) {
			t.Errorf("%q is not in %q", wanted, err)
		}
	}
	if strings.Contains(err.Error(), "topsecret") {
		t.Errorf("stdin is in %q", err)
	}
}

func TestWithoutLoggingAnErrorShowsTheOutputAllTheSame(t *testing.T) {
	target := newServer(t, func(_ string, channel ssh.Channel) int {
		fmt.Fprint(channel, "came before\n")
		return 1
	})
	state, none := stateFor(t, target, nil), logNone
	state.Logging = &none
	if err := state.run(t.Context(), text("x")); err == nil || !strings.Contains(err.Error(), "came before") {
		t.Fatal(err)
	}
}

func TestAnotherHostKeyIsAFailedAttemptAsAnyOther(t *testing.T) {
	for end, expected := range map[string]struct {
		dialed int32
		says   string
	}{
		"target": {3, "after 2 failed attempts: ssh: handshake failed: ssh: host key mismatch"},
		"proxy":  {3, "proxy: after 2 failed attempts: ssh: handshake failed: ssh: host key mismatch"},
		// Only the first attempt has a connection; what the others meet hides the reason.
		"target through proxy": {1, "proxy: after 2 failed attempts: "},
	} {
		target, proxy := newServer(t, echo), newServer(t, echo)
		line, checked := publicLine(newSigner(t).PublicKey()), target
		var state *State
		switch end {
		case "target":
			state = stateFor(t, target, nil)
			state.Connection.HostKey = &line
		case "proxy":
			state, checked = stateFor(t, target, proxy), proxy
			state.Connection.Proxy.HostKey = &line
		default:
			state = stateFor(t, target, proxy)
			state.Connection.HostKey = &line
		}
		err := state.run(t.Context(), text("x"))
		if err == nil || !strings.HasPrefix(err.Error(), expected.says) {
			t.Errorf("%s: %v", end, err)
		}
		if checked.accepted.Load() != expected.dialed {
			t.Errorf("%s: dialed %d times", end, checked.accepted.Load())
		}
	}
}

func TestHostKeyThatCannotBeReadEndsWithoutDialing(t *testing.T) {
	target := newServer(t, echo)
	state := stateFor(t, target, nil)
	state.Connection.HostKey = text("no key")
	err := state.run(t.Context(), text("x"))
	if err == nil || !strings.HasPrefix(err.Error(), "failed to parse host key: ") || target.accepted.Load() != 0 {
		t.Fatal(err)
	}
}

func TestDialingStopsAtTheErrorLimit(t *testing.T) {
	target := newServer(t, echo)
	state := stateFor(t, target, nil)
	_ = target.listener.Close()
	begun := time.Now()
	err := state.run(t.Context(), text("x"))
	if err == nil || !strings.HasPrefix(err.Error(), "after 2 failed attempts: dial tcp ") {
		t.Fatal(err)
	}
	if took := time.Since(begun); took < 250*time.Millisecond { // 0.1 s and 0.15 s between three attempts
		t.Errorf("took only %s", took)
	}
}

func TestOneLoginOnTheProxyServesAllAttempts(t *testing.T) {
	target, proxy := newServer(t, echo), newServer(t, echo)
	state := stateFor(t, target, proxy)
	address := target.listener.Addr().String()
	_ = target.listener.Close()
	// The target comes while attempts are made.
	go func() {
		for proxy.forwards.Load() < 2 {
			time.Sleep(time.Millisecond)
		}
		if listener, err := net.Listen("tcp", address); err == nil {
			t.Cleanup(func() { _ = listener.Close() })
			target.serve(listener)
		}
	}()
	limit := 100
	state.Connection.DialErrorLimit = &limit
	if err := state.run(t.Context(), text("x")); err != nil {
		t.Fatal(err)
	}
	if proxy.accepted.Load() != 1 || proxy.forwards.Load() < 3 {
		t.Fatalf("%d logins on the proxy, %d forwards", proxy.accepted.Load(), proxy.forwards.Load())
	}
}

func TestATargetThatClosesTheFirstConnectionIsLostBehindAProxy(t *testing.T) {
	for name, proxy := range map[string]*testServer{"directly": nil, "through a proxy": newServer(t, echo)} {
		target := newServer(t, echo)
		target.closeFirst.Store(1)
		err := stateFor(t, target, proxy).run(t.Context(), text("x"))
		if proxy == nil && (err != nil || target.accepted.Load() != 2) {
			t.Errorf("%s: %v after %d connections", name, err, target.accepted.Load())
		}
		if proxy != nil && (err == nil || target.accepted.Load() != 1 ||
			!strings.HasPrefix(err.Error(), "proxy: after 2 failed attempts: ")) {
			t.Errorf("%s: %v after %d connections", name, err, target.accepted.Load())
		}
	}
}

func TestDialingEndsWithTheContext(t *testing.T) {
	target := newServer(t, echo)
	state := stateFor(t, target, nil)
	_ = target.listener.Close()
	limit := anyNumber
	state.Connection.DialErrorLimit = &limit
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	if err := state.run(ctx, text("x")); !errors.Is(err, context.DeadlineExceeded) {
		t.Fatal(err)
	}
}

func TestACommandRunsToItsEndWhateverBecomesOfTheContext(t *testing.T) {
	started, goOn := make(chan bool, 1), make(chan bool)
	target := newServer(t, func(_ string, channel ssh.Channel) int {
		started <- true
		<-goOn
		fmt.Fprint(channel, "done\n")
		return 0
	})
	state := stateFor(t, target, nil)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- state.run(ctx, text("x")) }()
	<-started
	cancel()
	select {
	case err := <-ended:
		t.Fatalf("ended with %v", err)
	case <-time.After(500 * time.Millisecond):
	}
	close(goOn)
	if err := <-ended; err != nil || state.Stdout != "done" {
		t.Fatalf("%v %q", err, state.Stdout)
	}
}

func TestRefusedEnvironmentIsAFailure(t *testing.T) {
	target := newServer(t, echo)
	target.refuseEnvironment = true
	state := stateFor(t, target, nil)
	state.Environment = map[string]string{"COLOUR": "red"}
	err := state.run(t.Context(), text("x"))
	if err == nil || !strings.HasPrefix(err.Error(), "could not set environment variable \"COLOUR\": ") {
		t.Fatal(err)
	}
}

func TestPreviousOutputThatIsRefusedIsNoFailure(t *testing.T) {
	target := newServer(t, echo)
	target.refuseEnvironment = true
	state := stateFor(t, target, nil)
	state.Stdout = "before"
	if err := state.run(t.Context(), text("x")); err != nil || state.Stdout != "x:\nlast" {
		t.Fatalf("%v %q", err, state.Stdout)
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
