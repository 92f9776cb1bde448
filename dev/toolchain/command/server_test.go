package main

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"encoding/pem"
	"fmt"
	"io"
	"net"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/pkg/sftp"
	"golang.org/x/crypto/ssh"
)

// testServer is an SSH server in this process: it runs no command but what `behave` does, and forwards connections.
type testServer struct {
	listener net.Listener
	config   *ssh.ServerConfig
	hostKey  string
	// accepted counts connections, forwards what a client asked to be connected to.
	accepted, forwards atomic.Int32
	// closeFirst is how many connections are closed at once, as by an sshd that is not ready.
	closeFirst atomic.Int32
	// behave plays the command; it returns the exit status.
	behave func(script string, channel ssh.Channel) int
	// refuseEnvironment plays an sshd without AcceptEnv.
	refuseEnvironment bool
	// home is the folder of the user who logs in by SFTP, which is refused without one.
	home string
	open sync.Map
}

func newSigner(t *testing.T) ssh.Signer {
	t.Helper()
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	signer, err := ssh.NewSignerFromKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return signer
}

func publicLine(key ssh.PublicKey) string { return string(ssh.MarshalAuthorizedKey(key)) }

// newServer starts a server with an RSA and an Ed25519 host key; the latter is the expected one.
func newServer(t *testing.T, behave func(string, ssh.Channel) int) *testServer {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	other, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	otherSigner, err := ssh.NewSignerFromKey(other)
	if err != nil {
		t.Fatal(err)
	}
	signer := newSigner(t)
	server := &testServer{listener: listener, behave: behave, hostKey: publicLine(signer.PublicKey())}
	server.config = &ssh.ServerConfig{
		PublicKeyCallback: func(ssh.ConnMetadata, ssh.PublicKey) (*ssh.Permissions, error) { return nil, nil },
	}
	server.config.AddHostKey(otherSigner)
	server.config.AddHostKey(signer)
	go server.serve(listener)
	t.Cleanup(func() {
		_ = listener.Close()
		server.open.Range(func(connection, _ any) bool { _ = connection.(net.Conn).Close(); return true })
	})
	return server
}

func (server *testServer) serve(listener net.Listener) {
	for {
		connection, err := listener.Accept()
		if err != nil {
			return
		}
		server.accepted.Add(1)
		if server.closeFirst.Add(-1) >= 0 {
			_ = connection.Close()
			continue
		}
		server.open.Store(connection, true)
		go server.handle(connection)
	}
}

func (server *testServer) handle(connection net.Conn) {
	_, channels, requests, err := ssh.NewServerConn(connection, server.config)
	if err != nil {
		return
	}
	go ssh.DiscardRequests(requests)
	for offered := range channels {
		switch offered.ChannelType() {
		case "session":
			go server.session(offered)
		case "direct-tcpip":
			server.forwards.Add(1)
			go forward(offered)
		default:
			_ = offered.Reject(ssh.UnknownChannelType, "not here")
		}
	}
}

func (server *testServer) session(offered ssh.NewChannel) {
	channel, requests, err := offered.Accept()
	if err != nil {
		return
	}
	for request := range requests {
		switch request.Type {
		case "env":
			_ = request.Reply(!server.refuseEnvironment, nil)
		case "exec":
			_ = request.Reply(true, nil)
			var script struct{ Text string }
			_ = ssh.Unmarshal(request.Payload, &script)
			go func() {
				status := server.behave(script.Text, channel)
				_, _ = channel.SendRequest("exit-status", false, ssh.Marshal(struct{ Status uint32 }{uint32(status)}))
				_ = channel.Close()
			}()
		case "subsystem":
			_ = request.Reply(server.home != "", nil)
			if server.home != "" {
				go serveFiles(channel, server.home)
			}
		default:
			_ = request.Reply(false, nil)
		}
	}
}

// serveFiles plays the SFTP server of OpenSSH.
func serveFiles(channel ssh.Channel, home string) {
	files, err := sftp.NewServer(channel, sftp.WithServerWorkingDirectory(home))
	if err != nil {
		return
	}
	_ = files.Serve()
	_ = channel.Close()
}

// forward plays the proxy.
func forward(offered ssh.NewChannel) {
	var target struct {
		Host       string
		Port       uint32
		OriginHost string
		OriginPort uint32
	}
	_ = ssh.Unmarshal(offered.ExtraData(), &target)
	address := net.JoinHostPort(target.Host, strconv.Itoa(int(target.Port)))
	connection, err := net.Dial("tcp", address)
	if err != nil {
		_ = offered.Reject(ssh.ConnectionFailed, err.Error())
		return
	}
	channel, requests, err := offered.Accept()
	if err != nil {
		return
	}
	go ssh.DiscardRequests(requests)
	go func() { _, _ = io.Copy(connection, channel); _ = connection.Close() }()
	go func() { _, _ = io.Copy(channel, connection); _ = channel.Close() }()
}

func (server *testServer) port() *float64 {
	port := float64(server.listener.Addr().(*net.TCPAddr).Port)
	return &port
}

// endpoint is how to log in to a server.
func (server *testServer) endpoint(t *testing.T) Endpoint {
	t.Helper()
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	block, err := ssh.MarshalPrivateKey(key, "")
	if err != nil {
		t.Fatal(err)
	}
	private, limit := string(pem.EncodeToMemory(block)), 2
	return Endpoint{
		Host: "127.0.0.1", Port: server.port(), PrivateKey: &private, HostKey: &server.hostKey, DialErrorLimit: &limit,
	}
}

// echo answers with the script and what came on stdin.
func echo(script string, channel ssh.Channel) int {
	input, _ := io.ReadAll(channel)
	fmt.Fprintf(channel, "%s:%s\nlast\n", script, input)
	fmt.Fprint(channel.Stderr(), "warned\n")
	return 0
}
