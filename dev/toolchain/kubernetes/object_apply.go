package main

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	p "github.com/pulumi/pulumi-go-provider"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/pulumi/pulumi/sdk/v3/go/property"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/sets"
	"k8s.io/client-go/util/csaupgrade"
)

// creator owns the fields of an object until its first update, which gives them to a manager of its own.
const creator = "pulumi-kubernetes"

// operationTime is how long an operation waits for an object to be ready; the official provider's default.
const operationTime = 10 * time.Minute

// creationRetries is how often a creation is repeated whose kind or namespace is not there yet: after 1, 2, 4 s and so
// on.
const creationRetries = 5

// dryRun is set in previews: the API server answers as if it had done it.
func dryRun(preview bool) []string {
	if preview {
		return []string{metav1.DryRunAll}
	}
	return nil
}

// asked says whether a preview can ask the API server: all is known, and so is the kind.
func (cluster *Cluster) asked(object *unstructured.Unstructured, inputs property.Map) bool {
	if property.New(inputs).HasComputed() || cluster.unreachable != "" {
		return false
	}
	_, err := cluster.findTarget(object.GroupVersionKind(), object.GetNamespace())
	return err == nil
}

func (cluster *Cluster) createObject(ctx context.Context, request p.CreateRequest) (p.CreateResponse, error) {
	inputs, object := request.Properties, objectOf(request.Urn, request.Properties)
	if request.DryRun && !cluster.asked(object, inputs) {
		return p.CreateResponse{Properties: inputs}, nil
	}
	if err := cluster.reached(); err != nil {
		return p.CreateResponse{}, err
	}
	ctx, done := cluster.limited(ctx, timeLimit(request.Timeout, object), operationTime)
	defer done()
	manager := object.GetAnnotations()[annotationManager]
	if manager == "" {
		manager, _ = resource.NewUniqueName(nil, creator+"-", 0, 0, nil)
	}
	kept := kept{object.GetAPIVersion(), manager}
	found, live, err := cluster.make(ctx, object, manager, request.DryRun)
	switch {
	case request.DryRun && isForeseen(err):
		return p.CreateResponse{Properties: inputs}, nil
	case meta.IsNoMatchError(err):
		return p.CreateResponse{}, fmt.Errorf("creation of resource %q with kind %s failed because the Kubernetes API "+
			"server reported that the apiVersion for this resource does not exist. Verify that any required CRDs have "+
			"been created: %w", request.Urn, object.GroupVersionKind(), err)
	case err != nil:
		return p.CreateResponse{}, fmt.Errorf(
			"resource %q was not successfully created by the Kubernetes API server: %w", request.Urn, err)
	case request.DryRun:
		unstructured.RemoveNestedField(live.Object, "status")
		return p.CreateResponse{Properties: kept.objectState(inputs, live)}, nil
	}
	live, err = cluster.awaitReady(ctx, found, live)
	made := p.CreateResponse{ID: found.id(live.GetName()), Properties: kept.objectState(inputs, live)}
	if err != nil {
		err = fmt.Errorf("resource %q was successfully created, but the Kubernetes API server reported that it failed "+
			"to fully initialize or become live: %w", request.Urn, err)
		made.PartialState = &p.InitializationFailed{Reasons: []string{err.Error()}}
	}
	return made, err
}

// isForeseen says whether a creation cannot be previewed because of what the same `up` will have done before it.
func isForeseen(err error) bool {
	return apierrors.IsForbidden(err) || apierrors.IsAlreadyExists(err) || apierrors.IsNotFound(err)
}

const existsAlready = "The resource already exists in the cluster: import it (`pulumi import`), or set " +
	"upsertExistingObjects on the provider to take it over"

// make creates an object. One that is there is an error, unless the provider's options say to take it over.
func (cluster *Cluster) make(
	ctx context.Context, object *unstructured.Unstructured, manager string, preview bool,
) (found target, live *unstructured.Unstructured, err error) {
	pause := time.Second
	for attempt := 0; ; attempt++ {
		found, live, err = cluster.makeOnce(ctx, object, manager, preview)
		missing := meta.IsNoMatchError(err) || (!preview && apierrors.IsNotFound(err))
		if !missing || attempt == creationRetries || wait(ctx, pause) != nil {
			break
		}
		pause *= 2
	}
	if apierrors.IsAlreadyExists(err) {
		err = fmt.Errorf("%w\n\n%s", err, existsAlready)
	}
	return found, live, err
}

func (cluster *Cluster) makeOnce(
	ctx context.Context, object *unstructured.Unstructured, manager string, preview bool,
) (target, *unstructured.Unstructured, error) {
	found, err := cluster.findTarget(object.GroupVersionKind(), object.GetNamespace())
	if err != nil {
		return found, nil, err
	}
	if cluster.options.upsertExistingObjects() {
		live, err := cluster.patch(ctx, found, object, manager, cluster.forced(object) || preview, preview)
		return found, live, err
	}
	live, err := found.Create(ctx, object, metav1.CreateOptions{FieldManager: creator, DryRun: dryRun(preview)})
	return found, live, err
}

func (cluster *Cluster) updateObject(ctx context.Context, request p.UpdateRequest) (p.UpdateResponse, error) {
	if !request.DryRun {
		if err := cluster.reached(); err != nil {
			return p.UpdateResponse{}, err
		}
	}
	inputs := normalized(request.Inputs)
	object := objectOf(request.Urn, inputs)
	if request.DryRun && !cluster.asked(object, inputs) {
		return p.UpdateResponse{Properties: request.Inputs}, nil
	}
	ctx, done := cluster.limited(ctx, timeLimit(request.Timeout, object), operationTime)
	defer done()
	kept := keptOf(request.State, object)
	if given := object.GetAnnotations()[annotationManager]; given != "" {
		kept.manager = given
	}
	found, err := cluster.findTarget(object.GroupVersionKind(), object.GetNamespace())
	var live *unstructured.Unstructured
	if err == nil {
		live, err = cluster.change(ctx, found, object, kept.manager, request.DryRun)
	}
	if request.DryRun && apierrors.IsForbidden(err) {
		return p.UpdateResponse{Properties: request.Inputs}, nil
	}
	if err != nil {
		return p.UpdateResponse{}, fmt.Errorf("update of resource %q failed: %w", request.Urn, err)
	}
	if !request.DryRun {
		live, err = cluster.awaitReady(ctx, found, live)
	}
	made := p.UpdateResponse{Properties: kept.objectState(inputs, live)}
	if err != nil {
		err = fmt.Errorf("the Kubernetes API server reported that %q failed to fully initialize or become live: %w",
			found.id(live.GetName()), err)
		made.PartialState = &p.InitializationFailed{Reasons: []string{err.Error()}}
	}
	return made, err
}

// change applies an object to the live one. The fields that its creation has set go to its own manager first.
func (cluster *Cluster) change(
	ctx context.Context, found target, object *unstructured.Unstructured, manager string, preview bool,
) (*unstructured.Unstructured, error) {
	live, err := found.Get(ctx, object.GetName(), metav1.GetOptions{})
	if err != nil {
		return nil, err
	}
	force := cluster.forced(object) || len(live.GetManagedFields()) == 0
	if preview {
		for _, entry := range live.GetManagedFields() {
			force = force || (entry.Manager == creator && entry.Operation == metav1.ManagedFieldsOperationUpdate)
		}
		return cluster.patch(ctx, found, object, manager, force, preview)
	}
	upgrade, err := csaupgrade.UpgradeManagedFieldsPatch(live, sets.New(creator, "kubectl", "before-first-apply"), manager)
	if err == nil && upgrade != nil {
		_, err = found.Patch(ctx, object.GetName(), types.JSONPatchType, upgrade, metav1.PatchOptions{})
	}
	if err != nil {
		return nil, err
	}
	return cluster.patch(ctx, found, object, manager, force, preview)
}

// forced says whether fields of other managers are taken over.
func (cluster *Cluster) forced(object *unstructured.Unstructured) bool {
	return cluster.options.flag("enablePatchForce", "PULUMI_K8S_ENABLE_PATCH_FORCE") ||
		object.GetAnnotations()[annotationForce] == "true"
}

// patch is server-side apply.
func (cluster *Cluster) patch(
	ctx context.Context, found target, object *unstructured.Unstructured, manager string, force, preview bool,
) (*unstructured.Unstructured, error) {
	content, err := object.MarshalJSON()
	if err != nil {
		return nil, err
	}
	live, err := found.Patch(ctx, object.GetName(), types.ApplyPatchType, content, metav1.PatchOptions{
		FieldManager: manager, Force: &force, DryRun: dryRun(preview),
	})
	if apierrors.IsConflict(err) {
		err = errors.Join(errors.New("server-side apply field conflict detected"),
			fmt.Errorf("the resource managed by field manager %q had an apply conflict: %w", manager, err))
	}
	return live, err
}

// awaitReady waits until an object is ready, unless its annotation says not to.
func (cluster *Cluster) awaitReady(
	ctx context.Context, found target, live *unstructured.Unstructured,
) (*unstructured.Unstructured, error) {
	if live.GetAnnotations()[annotationSkipAwait] == "true" {
		return live, nil
	}
	return cluster.await(ctx, found, live)
}

// timeLimit is the custom timeout, else what the annotation says, else 0: the default.
func timeLimit(custom float64, object *unstructured.Unstructured) float64 {
	if seconds, err := strconv.Atoi(object.GetAnnotations()[annotationTimeout]); custom == 0 && err == nil {
		return float64(seconds)
	}
	return custom
}
