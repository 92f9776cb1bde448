package main

import (
	"path/filepath"

	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
	"google.golang.org/protobuf/proto"
)

const runPlugin = "/pulumirpc.LanguageRuntime/RunPlugin"

// adapt makes a request to run a policy pack into one that the host of 2023 runs the way today's does: the SDK's own
// module `pulumi.policy` gets the engine's address and the folder. Other requests stay as they are.
func adapt(method string, message frame) (frame, error) {
	if method != runPlugin {
		return message, nil
	}
	var request pulumirpc.RunPluginRequest
	if err := proto.Unmarshal(message, &request); err != nil {
		return nil, err
	}
	if request.GetKind() != "analyzer" {
		return message, nil
	}
	folder := filepath.Join(request.GetInfo().GetProgramDirectory(), request.GetInfo().GetEntryPoint())
	// The host runs Python with the program as its first argument.
	request.Program = "-u" //nolint:staticcheck // the only field that this host reads
	request.Args = append(append([]string{"-m", "pulumi.policy"}, request.GetArgs()...), folder)
	return proto.Marshal(&request)
}
