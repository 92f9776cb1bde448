package main

import (
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	p "github.com/pulumi/pulumi-go-provider"
	"github.com/pulumi/pulumi/sdk/v3/go/property"
)

// apiServer is an API server with namespaces and secrets, as far as the provider asks it.
type apiServer struct {
	objects map[string]map[string]any
	asked   []string
}

const apiList = `{"kind": "APIResourceList", "groupVersion": "v1", "resources": [
	{"name": "namespaces", "kind": "Namespace", "namespaced": false, "verbs": ["get"]},
	{"name": "secrets", "kind": "Secret", "namespaced": true, "verbs": ["get"]}]}`

func (api *apiServer) ServeHTTP(answer http.ResponseWriter, request *http.Request) {
	answer.Header().Set("Content-Type", "application/json")
	switch request.URL.Path {
	case "/openapi/v2":
		return // an empty schema
	case "/api":
		_, _ = io.WriteString(answer, `{"kind": "APIVersions", "versions": ["v1"]}`)
		return
	case "/apis":
		_, _ = io.WriteString(answer, `{"kind": "APIGroupList", "apiVersion": "v1", "groups": []}`)
		return
	case "/api/v1":
		_, _ = io.WriteString(answer, apiList)
		return
	}
	dry := request.URL.Query().Get("dryRun") != ""
	said := request.Method + " " + request.URL.Path + " " + request.URL.Query().Get("fieldManager")
	if dry {
		said += " dry"
	}
	api.asked = append(api.asked, said)
	path := request.URL.Path
	sent := map[string]any{}
	content, _ := io.ReadAll(request.Body)
	_ = json.Unmarshal(content, &sent)
	if request.Method == http.MethodPost {
		path += "/" + textAt(properties(sent), "metadata", "name")
	}
	there := api.objects[path]
	switch {
	case request.Method == http.MethodPost && there != nil:
		refuse(answer, http.StatusConflict, "AlreadyExists")
		return
	case request.Method != http.MethodPost && there == nil:
		refuse(answer, http.StatusNotFound, "NotFound")
		return
	case request.Method == http.MethodDelete:
		delete(api.objects, path)
	case strings.HasSuffix(request.Header.Get("Content-Type"), "apply-patch+yaml"), request.Method == http.MethodPost:
		metadata := maps.Clone(sent["metadata"].(map[string]any))
		metadata["uid"], metadata["resourceVersion"] = "u", "1"
		if there != nil && !dry {
			metadata["resourceVersion"] = "2"
		}
		operation := map[bool]string{true: "Apply", false: "Update"}[there != nil]
		metadata["managedFields"] = []any{map[string]any{
			"manager": request.URL.Query().Get("fieldManager"), "operation": operation, "apiVersion": "v1",
			"fieldsType": "FieldsV1", "fieldsV1": map[string]any{"f:data": map[string]any{}},
		}}
		there = maps.Clone(sent)
		there["metadata"] = metadata
		if there["kind"] == "Namespace" {
			there["status"] = map[string]any{"phase": "Active"}
		}
		if !dry {
			api.objects[path] = there
		}
	}
	_ = json.NewEncoder(answer).Encode(there)
}

func refuse(answer http.ResponseWriter, code int, reason string) {
	answer.WriteHeader(code)
	_ = json.NewEncoder(answer).Encode(map[string]any{
		"kind": "Status", "apiVersion": "v1", "status": "Failure", "reason": reason, "code": code,
	})
}

func kubeconfig(address string) string {
	text, _ := json.Marshal(map[string]any{
		"apiVersion": "v1", "kind": "Config", "current-context": "c",
		"clusters": []any{map[string]any{"name": "c", "cluster": map[string]any{"server": address}}},
		"users":    []any{map[string]any{"name": "c", "user": map[string]any{}}},
		"contexts": []any{map[string]any{"name": "c", "context": map[string]any{"cluster": "c", "user": "c"}}},
	})
	return string(text)
}

// configured is a provider whose cluster is at the address.
func configured(t *testing.T, address string, options map[string]any) *Cluster {
	t.Helper()
	cluster := newCluster()
	arguments := properties(options).Set("kubeconfig", property.New(kubeconfig(address)).WithSecret(true))
	if err := cluster.configure(t.Context(), p.ConfigureRequest{Args: arguments}); err != nil {
		t.Fatal(err)
	}
	return cluster
}

// reachable is a provider with an empty API server.
func reachable(t *testing.T, options map[string]any) (*apiServer, *Cluster) {
	t.Helper()
	api := &apiServer{objects: map[string]map[string]any{}}
	listening := httptest.NewServer(api)
	t.Cleanup(listening.Close)
	cluster := configured(t, listening.URL, options)
	if cluster.unreachable != "" {
		t.Fatal(cluster.unreachable)
	}
	return api, cluster
}

// nobody is an address that nobody listens at.
func nobody() string {
	gone := httptest.NewServer(http.NotFoundHandler())
	gone.Close()
	return gone.URL
}
