package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	p "github.com/pulumi/pulumi-go-provider"
	"golang.org/x/crypto/ssh"
)

// cancelGrace is how long a cancelled command has to end after its SIGTERM, before the connection is closed.
const cancelGrace = 2 * time.Second

// The names under which a command finds what it wrote the last time.
const (
	previousStdout = "PULUMI_COMMAND_STDOUT"
	previousStderr = "PULUMI_COMMAND_STDERR"
)

// runSession runs a script in a session of its own, sends it stdin, streams what it writes to Pulumi's log and keeps
// that. It ends with the script, with ctx, or when the connection is lost.
func (state *State) runSession(ctx context.Context, client *client, script string) error {
	alive, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	go client.keepAlive(alive, cancel)

	session, err := client.NewSession()
	if err != nil {
		return causeOr(alive, fmt.Errorf("no session on %s: %w", client.names, err))
	}
	defer func() { _ = session.Close() }()
	if err := state.setEnvironment(session); err != nil {
		return causeOr(alive, err)
	}
	if stdin := valueOr(state.Stdin, ""); stdin != "" {
		session.Stdin = strings.NewReader(stdin)
	}
	last := &tail{}
	stdout, stderr := state.streams(p.GetLogger(ctx), last)
	session.Stdout, session.Stderr = stdout, stderr
	if err := session.Start(script); err != nil {
		return causeOr(alive, fmt.Errorf("the command on %s did not start: %w", client.names, err))
	}
	ended := make(chan error, 1)
	go func() { ended <- session.Wait() }()
	select {
	case err = <-ended:
	case <-alive.Done():
		return client.abandon(session, ended, context.Cause(alive))
	}
	stdout.flush()
	stderr.flush()
	if err != nil {
		return client.explain(alive, err, last)
	}
	state.Stdout, state.Stderr = stdout.text(), stderr.text()
	return nil
}

// streams makes the two output streams. A line goes to the log where `logging` says so, and to the tail for an error
// message; without any logging, because the output is secret, only stderr has a tail.
func (state *State) streams(logger p.Logger, last *tail) (stdout, stderr *stream) {
	kind := valueOr(state.Logging, logBoth)
	lines := func(logged, kept bool) func(string) {
		return func(line string) {
			if logged {
				logger.Info(line)
			}
			if kept {
				last.add(line)
			}
		}
	}
	stdout = &stream{line: lines(kind == logStdout || kind == logBoth, kind != logNone)}
	stderr = &stream{line: lines(kind == logStderr || kind == logBoth, true)}
	return stdout, stderr
}

// setEnvironment sends the variables, which the machine's SSH server has to accept by name.
func (state *State) setEnvironment(session *ssh.Session) error {
	variables := map[string]string{}
	if valueOr(state.AddPreviousOutputInEnv, true) {
		if state.Stdout != "" {
			variables[previousStdout] = state.Stdout
		}
		if state.Stderr != "" {
			variables[previousStderr] = state.Stderr
		}
	}
	for name, value := range state.Environment {
		variables[name] = value
	}
	for name, value := range variables {
		if err := session.Setenv(name, value); err != nil {
			return fmt.Errorf("unable to set the environment variable %s: %w. This only works if the SSH server is "+
				"configured to accept it via AcceptEnv. Alternatively, if a Bash-like shell runs the command on the "+
				"remote host, prefix the command itself with the variables in the form 'VAR=value command'", name, err)
		}
	}
	return nil
}

// abandon ends a command whose context has ended: politely where its connection still works.
func (client *client) abandon(session *ssh.Session, ended <-chan error, cause error) error {
	signalled := make(chan struct{})
	go func() {
		_ = session.Signal(ssh.SIGTERM)
		close(signalled)
	}()
	select {
	case <-ended:
	case <-time.After(cancelGrace):
	}
	client.close()
	<-signalled
	if errors.Is(cause, context.Canceled) {
		return fmt.Errorf("the command on %s was cancelled", client.names)
	}
	if errors.Is(cause, context.DeadlineExceeded) {
		return fmt.Errorf("the command on %s did not end in time", client.names)
	}
	return cause
}

// explain says how a command failed and shows the last lines that it wrote; never the script nor its input.
func (client *client) explain(alive context.Context, err error, last *tail) error {
	var status *ssh.ExitError
	if !errors.As(err, &status) {
		// No exit status came: the connection ended first.
		return fmt.Errorf("%w while a command ran; last output:\n%s", causeOr(alive, client.lost()), last)
	}
	how := fmt.Sprintf("exit status %d", status.ExitStatus())
	if status.Signal() != "" {
		how = "signal " + status.Signal()
	}
	return fmt.Errorf("the command on %s ended with %s; last output:\n%s", client.names, how, last)
}
