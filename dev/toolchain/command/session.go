package main

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"strings"
	"sync"

	p "github.com/pulumi/pulumi-go-provider"
	"golang.org/x/crypto/ssh"
)

// The names under which a command finds what it wrote the last time.
const (
	previousStdout = "PULUMI_COMMAND_STDOUT"
	previousStderr = "PULUMI_COMMAND_STDERR"
)

// runSession runs a script in a session of its own, sends it stdin, streams what it writes to Pulumi's log and keeps
// that. It ends with the script or with the TCP connection and with nothing else: no cancellation, no time limit and
// no sign of life that is missing. An error shows the script and everything that it wrote.
func (state *State) runSession(ctx context.Context, client *ssh.Client, script string) error {
	session, err := client.NewSession()
	if err != nil {
		return err
	}
	defer func() { _ = session.Close() }()
	if err := state.setEnvironment(ctx, session); err != nil {
		return err
	}
	if stdin := valueOr(state.Stdin, ""); stdin != "" {
		session.Stdin = strings.NewReader(stdin)
	}
	kind, toLog := valueOr(state.Logging, logBoth), newLogWriter(p.GetLogger(ctx))
	var stdout, stderr bytes.Buffer
	var both lockedBuffer
	session.Stdout = writers(&stdout, &both, toLog, kind == logStdout || kind == logBoth)
	session.Stderr = writers(&stderr, &both, toLog, kind == logStderr || kind == logBoth)
	err = session.Run(script)
	toLog.close()
	if err != nil {
		return fmt.Errorf("%w: running %q:\n%s", err, script, both.String())
	}
	state.Stdout, state.Stderr = strings.TrimSuffix(stdout.String(), "\n"), strings.TrimSuffix(stderr.String(), "\n")
	return nil
}

// writers is where one output stream goes.
func writers(one *bytes.Buffer, both *lockedBuffer, toLog *logWriter, logged bool) io.Writer {
	if logged {
		return io.MultiWriter(one, both, toLog)
	}
	return io.MultiWriter(one, both)
}

// lockedBuffer is both output streams in the order in which they came.
type lockedBuffer struct {
	guard sync.Mutex
	bytes.Buffer
}

// Write takes a piece of either.
func (buffer *lockedBuffer) Write(piece []byte) (int, error) {
	buffer.guard.Lock()
	defer buffer.guard.Unlock()
	return buffer.Buffer.Write(piece)
}

// logWriter hands lines on to Pulumi's log. One longer than 64 KiB blocks it for good, as in the official provider.
type logWriter struct {
	*io.PipeWriter
	ended chan struct{}
}

func newLogWriter(logger p.Logger) *logWriter {
	reader, writer := io.Pipe()
	made := &logWriter{PipeWriter: writer, ended: make(chan struct{})}
	go func() {
		defer close(made.ended)
		lines := bufio.NewScanner(reader)
		for lines.Scan() {
			logger.InfoStatus(lines.Text())
		}
	}()
	return made
}

// close waits until the last line has been handed on.
func (writer *logWriter) close() {
	_ = writer.Close()
	<-writer.ended
}

// setEnvironment sends the variables, which the machine's SSH server has to accept by name. What the command wrote the
// last time may be refused.
func (state *State) setEnvironment(ctx context.Context, session *ssh.Session) error {
	logger := p.GetLogger(ctx)
	for name, value := range state.Environment {
		if err := session.Setenv(name, value); err != nil {
			logger.Error(refused(name))
			return fmt.Errorf("could not set environment variable %q: %w", name, err)
		}
	}
	if !valueOr(state.AddPreviousOutputInEnv, true) {
		return nil
	}
	for name, value := range map[string]string{previousStdout: state.Stdout, previousStderr: state.Stderr} {
		if value != "" && session.Setenv(name, value) != nil {
			logger.Warning(refused(name))
		}
	}
	return nil
}

// refused explains a variable that was not accepted.
func refused(name string) string {
	return fmt.Sprintf("Unable to set '%s'. This only works if your SSH server is configured to accept these variables "+
		"via AcceptEnv. Alternatively, if a Bash-like shell runs the command on the remote host, you could prefix the "+
		"command itself with the variables in the form 'VAR=value command'", name)
}
