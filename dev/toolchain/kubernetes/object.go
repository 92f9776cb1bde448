package main

import (
	"errors"
	"fmt"
	"strings"

	p "github.com/pulumi/pulumi-go-provider"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/pulumi/pulumi/sdk/v3/go/property"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// The annotations of the official provider that are honoured here.
const (
	annotationAutonamed   = "pulumi.com/autonamed"
	annotationForce       = "pulumi.com/patchForce"
	annotationManager     = "pulumi.com/patchFieldManager"
	annotationPropagation = "pulumi.com/deletionPropagationPolicy"
	annotationSkipAwait   = "pulumi.com/skipAwait"
	annotationTimeout     = "pulumi.com/timeoutSeconds"
)

// checkObject refuses what is no plain object, gives an object without a name an automatic one, and one without a
// namespace the provider's. Inputs that are known get the form in which the API server keeps them.
func (cluster *Cluster) checkObject(request p.CheckRequest) (p.CheckResponse, error) {
	response := p.CheckResponse{Inputs: request.Inputs}
	if !isPlainKind(request) {
		response.Failures = append(response.Failures, p.CheckFailure{
			Reason: fmt.Sprintf("%s is not supported by the stand-in for the kubernetes provider", request.Urn.Type()),
		})
		return response, nil
	}
	inputs := normalized(request.Inputs)
	response.Inputs = inputs
	value := inputs.Get("metadata")
	if !value.IsMap() && !value.IsNull() {
		return response, nil // not known yet
	}
	metadata := mapAt(inputs, "metadata")
	if metadata.Get("name").IsNull() {
		if !metadata.Get("generateName").IsNull() {
			return response, errors.New("the `.metadata.generateName` field is not supported in Server-Side Apply mode")
		}
		name := request.Urn.Name() + "-" + suffix()
		if old := textAt(request.State, "metadata", "name"); old != "" && autonamed(request.State) {
			name = old
		}
		annotations := mapAt(metadata, "annotations").Set(annotationAutonamed, property.New("true"))
		metadata = metadata.Set("name", property.New(name)).Set("annotations", property.New(annotations))
	}
	if cluster.namespace != "" && metadata.Get("namespace").IsNull() && cluster.namespaced(kindOf(request.Urn)) {
		metadata = metadata.Set("namespace", property.New(cluster.namespace))
	}
	response.Inputs = inputs.Set("metadata", property.New(metadata).WithSecret(value.Secret()))
	return response, nil
}

// isPlainKind says whether a token is one of an object of the API server: no list, no patch of somebody else's object,
// and none of the SDK's components.
func isPlainKind(request p.CheckRequest) bool {
	name := string(request.Urn.Type().Name())
	module := string(request.Urn.Type().Module().Name())
	for _, prefix := range []string{"helm.sh/", "kustomize", "yaml"} {
		if strings.HasPrefix(module, prefix) {
			return false
		}
	}
	list := strings.HasSuffix(name, "List") && request.Inputs.Get("items").IsArray()
	return strings.Contains(module, "v") && !strings.HasSuffix(name, "Patch") && !list
}

func autonamed(inputs property.Map) bool {
	return at(inputs, "metadata", "annotations", annotationAutonamed).IsString()
}

// kindOf is the kind that a token names, such as kubernetes:apps/v1:Deployment.
func kindOf(urn resource.URN) schema.GroupVersionKind {
	group, version, _ := strings.Cut(string(urn.Type().Module().Name()), "/")
	if group == "core" {
		group = ""
	}
	return schema.GroupVersionKind{Group: group, Version: version, Kind: string(urn.Type().Name())}
}

// objectOf is what is sent for the inputs of a resource.
func objectOf(urn resource.URN, inputs property.Map) *unstructured.Unstructured {
	object := &unstructured.Unstructured{Object: mapToAny(inputs)}
	if object.GetAPIVersion() == "" || object.GetKind() == "" {
		object.SetGroupVersionKind(kindOf(urn))
	}
	return object
}

// kept is what the state says of an object beside its properties.
type kept struct{ version, manager string }

// keptOf reads it. A state of an earlier stand-in has neither: that one owned the fields of every object under one name.
func keptOf(state property.Map, object *unstructured.Unstructured) kept {
	kept := kept{textAt(state, savedVersion), textAt(state, savedManager)}
	if kept.version == "" {
		kept.version = object.GetAPIVersion()
	}
	if kept.manager == "" {
		kept.manager = creator
	}
	return kept
}

// objectState is what is kept: the live object as it is, with secrets where the inputs have them, and the inputs. The
// content of a Secret is always secret.
func (kept kept) objectState(inputs property.Map, live *unstructured.Unstructured) property.Map {
	state := hideContent(copySecrets(property.New(inputs), fromAny(live.Object)).AsMap())
	return state.
		Set(savedInputs, property.New(hideContent(inputs))).
		Set(savedVersion, property.New(kept.version)).
		Set(savedManager, property.New(kept.manager))
}

// hideContent marks the content of a Secret as secret.
func hideContent(object property.Map) property.Map {
	if textAt(object, "kind") != "Secret" {
		return object
	}
	for _, name := range []string{"data", "stringData"} {
		if value, ok := object.GetOk(name); ok {
			object = object.Set(name, value.WithSecret(true))
		}
	}
	return object
}
