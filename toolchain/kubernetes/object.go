package main

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	p "github.com/pulumi/pulumi-go-provider"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/pulumi/pulumi/sdk/v3/go/property"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
)

// fieldManager owns the fields that are set here. One name for all resources, so that a field that leaves the program
// leaves the object.
const fieldManager = "pulumi-kubernetes"

// operationTime is how long an operation waits for an object to be ready; the official provider's default.
const operationTime = 10 * time.Minute

// The annotations of the official provider that are honoured here.
const (
	annotationAutonamed   = "pulumi.com/autonamed"
	annotationForce       = "pulumi.com/patchForce"
	annotationPropagation = "pulumi.com/deletionPropagationPolicy"
	annotationSkipAwait   = "pulumi.com/skipAwait"
	annotationTimeout     = "pulumi.com/timeoutSeconds"
)

// checkObject refuses what is no plain object, and gives an object without a name an automatic one.
func (cluster *Cluster) checkObject(request p.CheckRequest) p.CheckResponse {
	response := p.CheckResponse{Inputs: request.Inputs}
	if !isPlainKind(request) {
		response.Failures = append(response.Failures, p.CheckFailure{
			Reason: fmt.Sprintf("%s is not supported by the stand-in for the kubernetes provider", request.Urn.Type()),
		})
		return response
	}
	value := request.Inputs.Get("metadata")
	if !value.IsMap() && !value.IsNull() {
		return response // not known yet
	}
	metadata := mapAt(request.Inputs, "metadata")
	if _, named := metadata.GetOk("name"); named || textAt(metadata, "generateName") != "" {
		return response
	}
	name := request.Urn.Name() + "-" + suffix()
	if old := textAt(request.State, "metadata", "name"); old != "" && autonamed(request.State) {
		name = old
	}
	annotations := mapAt(metadata, "annotations").Set(annotationAutonamed, property.New("true"))
	metadata = metadata.Set("name", property.New(name)).Set("annotations", property.New(annotations))
	response.Inputs = request.Inputs.Set("metadata", property.New(metadata).WithSecret(value.Secret()))
	return response
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

// applied is what an operation left on the API server: an id and state as soon as the object exists, ready or not.
type applied struct {
	id    string
	state property.Map
}

func (cluster *Cluster) createObject(ctx context.Context, request p.CreateRequest) (p.CreateResponse, error) {
	ctx, done := cluster.limited(ctx, request.Timeout, operationTime)
	defer done()
	made, err := cluster.apply(ctx, request.Urn, request.Properties)
	return p.CreateResponse{ID: made.id, Properties: made.state, PartialState: made.partial(err)}, err
}

func (cluster *Cluster) updateObject(ctx context.Context, request p.UpdateRequest) (p.UpdateResponse, error) {
	ctx, done := cluster.limited(ctx, request.Timeout, operationTime)
	defer done()
	made, err := cluster.apply(ctx, request.Urn, request.Inputs)
	return p.UpdateResponse{Properties: made.state, PartialState: made.partial(err)}, err
}

// partial tells the engine that the object exists although the operation failed, so that the next one updates it.
func (made applied) partial(err error) *p.InitializationFailed {
	if err == nil || made.id == "" {
		return nil
	}
	return &p.InitializationFailed{Reasons: []string{err.Error()}}
}

// apply makes or changes an object and waits until it is ready.
func (cluster *Cluster) apply(ctx context.Context, urn resource.URN, inputs property.Map) (applied, error) {
	object := &unstructured.Unstructured{Object: mapToAny(inputs)}
	if object.GetAPIVersion() == "" {
		object.SetGroupVersionKind(kindOf(urn))
	}
	target, err := cluster.target(ctx, object.GroupVersionKind(), object.GetNamespace())
	if err != nil {
		return applied{}, err
	}
	object.SetNamespace(target.namespace)
	delete(object.Object, "status")
	live, err := cluster.send(ctx, target, object)
	if err != nil {
		return applied{}, err
	}
	if object.GetAnnotations()[annotationSkipAwait] != "true" {
		if seconds, parseErr := strconv.Atoi(object.GetAnnotations()[annotationTimeout]); parseErr == nil {
			var cancel context.CancelFunc
			ctx, cancel = context.WithTimeout(ctx, time.Duration(seconds)*time.Second)
			defer cancel()
		}
		live, err = cluster.await(ctx, target, live)
	}
	return applied{id: target.id(live.GetName()), state: objectState(inputs, live)}, err
}

// send applies an object. Fields that the API server does not know are an error, not dropped.
func (cluster *Cluster) send(
	ctx context.Context, target target, object *unstructured.Unstructured,
) (live *unstructured.Unstructured, err error) {
	err = whileUnreachable(ctx, func() (err error) {
		if object.GetName() == "" { // generateName: the API server makes the name, so there is nothing to apply to
			live, err = target.Create(ctx, object, metav1.CreateOptions{
				FieldManager: fieldManager, FieldValidation: metav1.FieldValidationStrict,
			})
			return err
		}
		content, err := object.MarshalJSON()
		if err != nil {
			return err
		}
		force := cluster.options.flag("enablePatchForce", "PULUMI_K8S_ENABLE_PATCH_FORCE") ||
			object.GetAnnotations()[annotationForce] == "true"
		live, err = target.Patch(ctx, object.GetName(), types.ApplyPatchType, content, metav1.PatchOptions{
			FieldManager: fieldManager, FieldValidation: metav1.FieldValidationStrict, Force: &force,
		})
		return err
	})
	return live, err
}

// objectState is what is kept: the live object, with secrets where the inputs have them, and the inputs. The content
// of a Secret is always secret.
func objectState(inputs property.Map, live *unstructured.Unstructured) property.Map {
	object := live.DeepCopy()
	object.SetManagedFields(nil)
	state := copySecrets(property.New(inputs), fromAny(object.Object)).AsMap()
	if object.GetKind() == "Secret" {
		for _, name := range []string{"data", "stringData"} {
			if value, ok := state.GetOk(name); ok {
				state = state.Set(name, value.WithSecret(true))
			}
		}
	}
	return state.Set(savedInputs, property.New(inputs))
}
