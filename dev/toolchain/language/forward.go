package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
)

// maxMessage is what the engine and its hosts let through, in bytes.
const maxMessage = 400 * 1024 * 1024

// frame is a message as it came, without a look into it.
type frame []byte

// untouched is the codec of such messages.
type untouched struct{}

func (untouched) Name() string { return "proto" }

func (untouched) Marshal(message any) ([]byte, error) {
	return *message.(*frame), nil
}

func (untouched) Unmarshal(data []byte, message any) error {
	*message.(*frame) = append(frame(nil), data...)
	return nil
}

// serve forwards whatever is asked on a port of its own, which it prints, to the hosts.
func serve(all *hosts) error {
	server := grpc.NewServer(
		grpc.ForceServerCodec(untouched{}), grpc.MaxRecvMsgSize(maxMessage), grpc.MaxSendMsgSize(maxMessage),
		grpc.UnknownServiceHandler(func(_ any, asked grpc.ServerStream) error { return forward(all, asked) }),
	)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	go func() {
		if err := server.Serve(listener); err != nil {
			fmt.Fprintln(os.Stderr, "pulumi-language-python:", err)
		}
	}()
	_, err = fmt.Println(listener.Addr().(*net.TCPAddr).Port)
	return err
}

// forward carries one call there and its answers back. Its first message says which host it is for.
func forward(all *hosts, asked grpc.ServerStream) error {
	method, _ := grpc.MethodFromServerStream(asked)
	var first frame
	if err := asked.RecvMsg(&first); err != nil {
		return err
	}
	virtualenv, err := virtualEnvironment(method, first)
	if err != nil {
		return err
	}
	host, err := all.in(virtualenv)
	if err != nil {
		return status.Error(codes.Unavailable, err.Error())
	}
	ctx, cancel := context.WithCancel(asked.Context())
	defer cancel()
	if sent, ok := metadata.FromIncomingContext(ctx); ok {
		ctx = metadata.NewOutgoingContext(ctx, sent.Copy())
	}
	way := &grpc.StreamDesc{ServerStreams: true, ClientStreams: true}
	there, err := host.connection.NewStream(ctx, way, method)
	if err != nil {
		return err
	}
	go func() {
		defer func() { _ = there.CloseSend() }()
		for message := first; ; {
			adapted, err := adapt(method, message)
			if err != nil || there.SendMsg(&adapted) != nil {
				cancel()
				return
			}
			message = nil
			if asked.RecvMsg(&message) != nil {
				return
			}
		}
	}()
	for {
		var message frame
		if err := there.RecvMsg(&message); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
		if err := asked.SendMsg(&message); err != nil {
			return status.Error(codes.Unavailable, err.Error())
		}
	}
}
