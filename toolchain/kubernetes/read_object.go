package main

import (
	"context"
	"encoding/base64"
	"fmt"
	"time"

	p "github.com/pulumi/pulumi-go-provider"
	"github.com/pulumi/pulumi/sdk/v3/go/property"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// readTime is how long a refresh of one resource may take.
const readTime = time.Minute

// readObject is refresh, import and .get(): the inputs become what the object has in the same fields.
func (cluster *Cluster) readObject(ctx context.Context, request p.ReadRequest) (p.ReadResponse, error) {
	ctx, done := cluster.limited(ctx, 0, readTime)
	defer done()
	clients, err := cluster.connect()
	if err != nil {
		return p.ReadResponse{}, err
	}
	if cluster.options.deleteUnreachable() && !clients.reachable() {
		return p.ReadResponse{}, nil // as the official provider: leave it out of the state
	}
	namespace, name := splitID(request.ID)
	found, err := cluster.findTarget(ctx, kindOf(request.Urn), namespace)
	if isNoKind(err) {
		return missing(request)
	}
	if err != nil {
		return p.ReadResponse{}, err
	}
	var live *unstructured.Unstructured
	err = whileUnreachable(ctx, func() (err error) {
		live, err = found.Get(ctx, name, metav1.GetOptions{})
		return err
	})
	if apierrors.IsNotFound(err) {
		return missing(request)
	}
	if err != nil {
		return p.ReadResponse{}, err
	}
	inputs := importedInputs(live)
	if request.Inputs.Len() > 0 {
		inputs = refreshedInputs(request.Inputs, live)
	}
	return p.ReadResponse{ID: request.ID, Inputs: inputs, Properties: objectState(inputs, live)}, nil
}

// missing is the answer for a resource that does not exist. A refresh takes an empty answer as "drop it"; for .get()
// and import the library would turn that into "exists, without outputs", so those get an error.
func missing(request p.ReadRequest) (p.ReadResponse, error) {
	if request.Inputs.Len() == 0 {
		return p.ReadResponse{}, fmt.Errorf("%s %s does not exist", request.Urn.Type(), request.ID)
	}
	return p.ReadResponse{}, nil
}

// importedInputs is everything of an object but what only the API server sets.
func importedInputs(live *unstructured.Unstructured) property.Map {
	object := live.DeepCopy()
	object.SetManagedFields(nil)
	for _, name := range []string{"uid", "resourceVersion", "creationTimestamp", "generation", "selfLink"} {
		unstructured.RemoveNestedField(object.Object, "metadata", name)
	}
	delete(object.Object, "status")
	return fromAny(object.Object).AsMap()
}

// refreshedInputs is the live value of every field that the inputs set: drift shows, and nothing else.
func refreshedInputs(inputs property.Map, live *unstructured.Unstructured) property.Map {
	plain := mapToAny(inputs)
	pruned, ok := prune(plain, live.Object).(map[string]any)
	if !ok {
		return inputs
	}
	if wanted, ok := plain["stringData"].(map[string]any); ok {
		pruned["stringData"] = stringData(wanted, live)
	}
	return copySecrets(property.New(inputs), fromAny(pruned)).AsMap()
}

// prune reduces live to the fields that are in wanted. A list of another length is drift as a whole.
func prune(wanted, live any) any {
	switch wanted := wanted.(type) {
	case map[string]any:
		fields, ok := live.(map[string]any)
		if !ok {
			return live
		}
		pruned := map[string]any{}
		for name, value := range wanted {
			if field, ok := fields[name]; ok {
				pruned[name] = prune(value, field)
			}
		}
		return pruned
	case []any:
		elements, ok := live.([]any)
		if !ok || len(elements) != len(wanted) {
			return live
		}
		pruned := make([]any, len(elements))
		for index := range elements {
			pruned[index] = prune(wanted[index], elements[index])
		}
		return pruned
	}
	return live
}

// stringData reads a Secret's stringData back from its data: the API server never returns it.
func stringData(wanted map[string]any, live *unstructured.Unstructured) map[string]any {
	data, _ := live.Object["data"].(map[string]any)
	texts := map[string]any{}
	for name := range wanted {
		encoded, ok := data[name].(string)
		if !ok {
			continue
		}
		if text, err := base64.StdEncoding.DecodeString(encoded); err == nil {
			texts[name] = string(text)
		}
	}
	return texts
}
