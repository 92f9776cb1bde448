package main

import (
	"bytes"
	"slices"
	"strings"
	"sync"
)

// The values of `logging`; unset is the last.
const (
	logNone   = "none"
	logStdout = "stdout"
	logStderr = "stderr"
	logBoth   = "stdoutAndStderr"
)

var loggingKinds = []string{logNone, logStdout, logStderr, logBoth}

// What an error message shows of the last output.
const (
	tailLines = 20
	tailBytes = 4096
)

// longestLine is where a line is cut for the log, in bytes, so that binary output cannot fill the memory twice.
const longestLine = 16 * 1024

// stream collects one output stream and passes it on line by line.
type stream struct {
	all  bytes.Buffer
	rest []byte
	line func(string)
}

// Write takes a piece of output. It never fails.
func (stream *stream) Write(piece []byte) (int, error) {
	stream.all.Write(piece)
	if stream.line == nil {
		return len(piece), nil
	}
	stream.rest = append(stream.rest, piece...)
	for {
		end := bytes.IndexByte(stream.rest, '\n')
		if end < 0 && len(stream.rest) < longestLine {
			return len(piece), nil
		}
		if end < 0 || end > longestLine {
			stream.line(string(stream.rest[:longestLine]))
			stream.rest = stream.rest[longestLine:]
			continue
		}
		stream.line(strings.TrimSuffix(string(stream.rest[:end]), "\r"))
		stream.rest = stream.rest[end+1:]
	}
}

// flush passes on a last line without an end.
func (stream *stream) flush() {
	if stream.line != nil && len(stream.rest) > 0 {
		stream.line(string(stream.rest))
		stream.rest = nil
	}
}

// text is everything but the last newline, as the official provider has it.
func (stream *stream) text() string { return strings.TrimSuffix(stream.all.String(), "\n") }

// tail is the last lines of both streams, in the order in which they came.
type tail struct {
	guard sync.Mutex
	lines []string
}

// add takes one line and forgets the oldest.
func (tail *tail) add(line string) {
	tail.guard.Lock()
	defer tail.guard.Unlock()
	if len(tail.lines) == tailLines {
		tail.lines = slices.Delete(tail.lines, 0, 1)
	}
	tail.lines = append(tail.lines, line)
}

// String is the tail as one text, cut to a length that a message can have.
func (tail *tail) String() string {
	tail.guard.Lock()
	defer tail.guard.Unlock()
	text := strings.Join(tail.lines, "\n")
	if len(text) > tailBytes {
		text = "..." + text[len(text)-tailBytes:]
	}
	return text
}
