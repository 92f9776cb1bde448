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
	"google.golang.org/grpc/credentials/insecure"
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

// serve forwards whatever is asked on a port of its own, which it prints, to the server at `target`.
func serve(target string) error {
	connection, err := grpc.NewClient(target,
		grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithDefaultCallOptions(
			grpc.ForceCodec(untouched{}), grpc.MaxCallRecvMsgSize(maxMessage), grpc.MaxCallSendMsgSize(maxMessage)),
	)
	if err != nil {
		return err
	}
	server := grpc.NewServer(
		grpc.ForceServerCodec(untouched{}), grpc.MaxRecvMsgSize(maxMessage), grpc.MaxSendMsgSize(maxMessage),
		grpc.UnknownServiceHandler(func(_ any, asked grpc.ServerStream) error { return forward(connection, asked) }),
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

// forward carries one call there and its answers back.
func forward(connection *grpc.ClientConn, asked grpc.ServerStream) error {
	method, _ := grpc.MethodFromServerStream(asked)
	ctx, cancel := context.WithCancel(asked.Context())
	defer cancel()
	if sent, ok := metadata.FromIncomingContext(ctx); ok {
		ctx = metadata.NewOutgoingContext(ctx, sent.Copy())
	}
	way := &grpc.StreamDesc{ServerStreams: true, ClientStreams: true}
	there, err := connection.NewStream(ctx, way, method)
	if err != nil {
		return err
	}
	go func() {
		defer func() { _ = there.CloseSend() }()
		for {
			var message frame
			if asked.RecvMsg(&message) != nil {
				return
			}
			message, err := adapt(method, message)
			if err != nil || there.SendMsg(&message) != nil {
				cancel()
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
