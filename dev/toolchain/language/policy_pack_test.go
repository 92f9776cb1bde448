package main

import (
	"reflect"
	"testing"

	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
	"google.golang.org/protobuf/proto"
)

// adapted is the request that the host gets for `request`.
func adapted(t *testing.T, method string, request *pulumirpc.RunPluginRequest) *pulumirpc.RunPluginRequest {
	t.Helper()
	message, err := proto.Marshal(request)
	if err != nil {
		t.Fatal(err)
	}
	changed, err := adapt(method, message)
	if err != nil {
		t.Fatal(err)
	}
	var got pulumirpc.RunPluginRequest
	if err := proto.Unmarshal(changed, &got); err != nil {
		t.Fatal(err)
	}
	return &got
}

func TestAPolicyPackIsRunByTheModuleOfTheSDK(t *testing.T) {
	got := adapted(t, runPlugin, &pulumirpc.RunPluginRequest{
		Pwd: "/program", Program: ".", Args: []string{"127.0.0.1:1"}, Kind: "analyzer", Env: []string{"A=b"},
		Info: &pulumirpc.ProgramInfo{RootDirectory: "/pack", ProgramDirectory: "/pack", EntryPoint: "."},
	})
	if want := []string{"-m", "pulumi.policy", "127.0.0.1:1", "/pack"}; !reflect.DeepEqual(got.GetArgs(), want) {
		t.Errorf("arguments: %q", got.GetArgs())
	}
	if got.GetProgram() != "-u" || got.GetPwd() != "/program" || got.GetEnv()[0] != "A=b" {
		t.Errorf("request: %v", got)
	}
}

func TestOtherRequestsStayAsTheyAre(t *testing.T) {
	request := &pulumirpc.RunPluginRequest{Pwd: "/program", Program: ".", Kind: "resource"}
	if got := adapted(t, runPlugin, request); !proto.Equal(got, request) {
		t.Errorf("a plugin: %v", got)
	}
	policy := &pulumirpc.RunPluginRequest{Program: ".", Kind: "analyzer"}
	if got := adapted(t, "/pulumirpc.LanguageRuntime/Run", policy); !proto.Equal(got, policy) {
		t.Errorf("another method: %v", got)
	}
}
