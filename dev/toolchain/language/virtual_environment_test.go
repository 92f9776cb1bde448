package main

import (
	"testing"

	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/structpb"
)

// program is one whose Pulumi.yaml has these options.
func program(t *testing.T, options map[string]any) *pulumirpc.ProgramInfo {
	t.Helper()
	made, err := structpb.NewStruct(options)
	if err != nil {
		t.Fatal(err)
	}
	return &pulumirpc.ProgramInfo{RootDirectory: "/program", ProgramDirectory: "/program", EntryPoint: ".", Options: made}
}

// found is the virtual environment for a request.
func found(t *testing.T, method string, asked proto.Message) string {
	t.Helper()
	message, err := proto.Marshal(asked)
	if err != nil {
		t.Fatal(err)
	}
	folder, err := virtualEnvironment(service+method, message)
	if err != nil {
		t.Fatal(err)
	}
	return folder
}

func TestEveryRequestThatRunsPythonGoesToTheVirtualEnvironment(t *testing.T) {
	info := program(t, map[string]any{"virtualenv": "venv"})
	for method, asked := range map[string]proto.Message{
		"About":                  &pulumirpc.AboutRequest{Info: info},
		"GetProgramDependencies": &pulumirpc.GetProgramDependenciesRequest{Info: info},
		"GetRequiredPlugins":     &pulumirpc.GetRequiredPluginsRequest{Info: info},
		"InstallDependencies":    &pulumirpc.InstallDependenciesRequest{Info: info},
		"Run":                    &pulumirpc.RunRequest{Info: info},
		"RunPlugin":              &pulumirpc.RunPluginRequest{Info: info},
	} {
		if got := found(t, method, asked); got != "/program/venv" {
			t.Errorf("%s: %q", method, got)
		}
	}
}

func TestAFolderElsewhere(t *testing.T) {
	info := program(t, map[string]any{"virtualenv": "/opt/venv"})
	if got := found(t, "Run", &pulumirpc.RunRequest{Info: info}); got != "/opt/venv" {
		t.Errorf("%q", got)
	}
}

func TestWithoutTheOptionItIsThePythonOnPath(t *testing.T) {
	for _, info := range []*pulumirpc.ProgramInfo{nil, program(t, nil), program(t, map[string]any{"toolchain": "pip"})} {
		if got := found(t, "Run", &pulumirpc.RunRequest{Info: info}); got != "" {
			t.Errorf("%q", got)
		}
	}
	if got := found(t, "GetPluginInfo", &pulumirpc.ProgramInfo{}); got != "" {
		t.Errorf("%q", got)
	}
}
