// Command oracle answers questions about Tailscale's own tailnet key authority,
// so that ours can be judged by it.
//
// One process, JSON lines on standard input and output, one request a line, one
// answer a line in the same order. Whatever a request does, the process goes on:
// a panic inside an operation is an answer like any other. Answers are flushed
// when no further request is waiting, so a pipelined batch costs one write.
package main

import (
	"bufio"
	"errors"
	"flag"
	"io"
	"log"
	"os"
	"runtime/debug"
)

// maxLine bounds one request, newline included.
const maxLine = 64<<20 + 1

var errLineTooLong = errors.New("request line is longer than 64 MiB")

func main() {
	// Tailscale's test-only hooks (a settable clock, a settable control client)
	// look for this flag to learn that they run in a test.
	flag.Bool("test.v", false, "marks the process as a test")
	log.SetOutput(io.Discard)
	debug.SetGCPercent(400)
	// A closed client's buffers outlive a collection or two, so that the share alone
	// would let the heap grow without end.
	debug.SetMemoryLimit(512 << 20)
	if err := serve(os.Stdin, os.Stdout); err != nil {
		os.Stderr.WriteString("oracle: " + err.Error() + "\n")
		os.Exit(1)
	}
}

func serve(in io.Reader, out io.Writer) error {
	reader := bufio.NewReaderSize(in, 1<<20)
	writer := bufio.NewWriterSize(out, 1<<20)
	for {
		line, err := readLine(reader)
		if len(line) > 0 {
			if _, werr := writer.Write(answer(line)); werr != nil {
				return werr
			}
		}
		if err != nil || !lineWaiting(reader) {
			if ferr := writer.Flush(); ferr != nil {
				return ferr
			}
		}
		switch {
		case err == io.EOF:
			return nil
		case err != nil:
			return err
		}
	}
}

// lineWaiting reports whether a request can be read without waiting for more input.
func lineWaiting(r *bufio.Reader) bool {
	n := r.Buffered()
	if n == 0 {
		return false
	}
	buffered, _ := r.Peek(n)
	for _, b := range buffered {
		if b == '\n' {
			return true
		}
	}
	return false
}

// readLine returns one line without its newline. Its bytes are the caller's.
func readLine(r *bufio.Reader) ([]byte, error) {
	var line []byte
	for {
		part, err := r.ReadSlice('\n')
		line = append(line, part...)
		if len(line) > maxLine {
			return nil, errLineTooLong
		}
		if err == bufio.ErrBufferFull {
			continue
		}
		if n := len(line); n > 0 && line[n-1] == '\n' {
			line = line[:n-1]
		}
		return line, err
	}
}
