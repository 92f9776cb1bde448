package main

import (
	"path/filepath"
	"strings"

	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
	"google.golang.org/protobuf/proto"
)

const service = "/pulumirpc.LanguageRuntime/"

// informed is a request that describes the program.
type informed interface {
	proto.Message
	GetInfo() *pulumirpc.ProgramInfo
}

// request is an empty request of a method that runs Python; nil for any other method.
func request(method string) informed {
	switch strings.TrimPrefix(method, service) {
	case "About":
		return &pulumirpc.AboutRequest{}
	case "GetProgramDependencies":
		return &pulumirpc.GetProgramDependenciesRequest{}
	case "GetRequiredPlugins":
		return &pulumirpc.GetRequiredPluginsRequest{}
	case "InstallDependencies":
		return &pulumirpc.InstallDependenciesRequest{}
	case "Run":
		return &pulumirpc.RunRequest{}
	case "RunPlugin":
		return &pulumirpc.RunPluginRequest{}
	}
	return nil
}

// virtualEnvironment is the folder that the program's options name, or "".
func virtualEnvironment(method string, message frame) (string, error) {
	asked := request(method)
	if asked == nil {
		return "", nil
	}
	if err := proto.Unmarshal(message, asked); err != nil {
		return "", err
	}
	info := asked.GetInfo()
	folder := info.GetOptions().GetFields()["virtualenv"].GetStringValue()
	if folder == "" || filepath.IsAbs(folder) {
		return folder, nil
	}
	return filepath.Join(info.GetRootDirectory(), folder), nil
}
