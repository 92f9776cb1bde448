package main

import (
	"context"
	"fmt"
	"time"

	p "github.com/pulumi/pulumi-go-provider"
	"github.com/pulumi/pulumi/sdk/v3/go/property"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// readTime is how long a refresh of one resource may take.
const readTime = time.Minute

// readObject is refresh, import and .get(): the inputs become what the object has in the same fields.
func (cluster *Cluster) readObject(ctx context.Context, request p.ReadRequest) (p.ReadResponse, error) {
	ctx, done := cluster.limited(ctx, 0, readTime)
	defer done()
	namespace, name := splitID(request.ID)
	found, err := cluster.findTarget(kindOf(request.Urn), namespace)
	if meta.IsNoMatchError(err) {
		return missing(request)
	}
	if err != nil {
		return p.ReadResponse{}, err
	}
	live, err := found.Get(ctx, name, metav1.GetOptions{})
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
	state := keptOf(request.Properties, live).objectState(inputs, live)
	return p.ReadResponse{ID: request.ID, Inputs: inputs, Properties: state}, nil
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
	delete(object.Object, "status")
	return hideContent(normalized(fromAny(object.Object).AsMap()))
}

// refreshedInputs is the live value of every field that the inputs set: drift shows, and nothing else.
func refreshedInputs(inputs property.Map, live *unstructured.Unstructured) property.Map {
	inputs = normalized(inputs)
	now, _ := pruned(live.Object, mapToAny(inputs)).(map[string]any)
	return copySecrets(property.New(inputs), fromAny(now)).AsMap()
}
