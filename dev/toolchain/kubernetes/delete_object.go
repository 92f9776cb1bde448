package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	p "github.com/pulumi/pulumi-go-provider"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// gonePause is between two looks at an object that is going.
const gonePause = 500 * time.Millisecond

// deleteObject deletes an object and waits until it is gone.
func (cluster *Cluster) deleteObject(ctx context.Context, request p.DeleteRequest) error {
	if err := cluster.reached(); err != nil {
		p.GetLogger(ctx).Warning(err.Error())
		if cluster.options.deleteUnreachable() {
			p.GetLogger(ctx).Info(dropUnreachable)
			return nil
		}
		return errors.New("configured Kubernetes cluster is unreachable. " + useDeleteUnreachable)
	}
	ctx, done := cluster.limited(ctx, request.Timeout, operationTime)
	defer done()
	namespace, name := splitID(request.ID)
	found, err := cluster.findTarget(kindOf(request.Urn), namespace)
	if meta.IsNoMatchError(err) {
		return nil // the kind itself is gone, and its objects with it
	}
	if err != nil {
		return err
	}
	policy := propagation(textAt(request.Properties, "metadata", "annotations", annotationPropagation))
	err = found.Delete(ctx, name, metav1.DeleteOptions{PropagationPolicy: &policy})
	if apierrors.IsNotFound(err) {
		return nil
	}
	if err != nil || textAt(request.Properties, "metadata", "annotations", annotationSkipAwait) == "true" {
		return err
	}
	return awaitGone(ctx, found, name, textAt(request.Properties, "metadata", "uid"))
}

// propagation is what the annotation says, foreground where it says nothing.
func propagation(wanted string) metav1.DeletionPropagation {
	switch strings.ToLower(wanted) {
	case "orphan":
		return metav1.DeletePropagationOrphan
	case "background":
		return metav1.DeletePropagationBackground
	}
	return metav1.DeletePropagationForeground
}

// awaitGone looks until the object, or that very object, does not exist any more.
func awaitGone(ctx context.Context, found target, name, uid string) error {
	holders := "none seen"
	for {
		live, err := found.Get(ctx, name, metav1.GetOptions{})
		if apierrors.IsNotFound(err) {
			return nil
		}
		if err == nil {
			if uid != "" && string(live.GetUID()) != uid {
				return nil
			}
			holders = fmt.Sprint(live.GetFinalizers())
		}
		if wait(ctx, gonePause) != nil {
			return fmt.Errorf("%s still exists; its finalizers: %s", found.id(name), holders)
		}
	}
}
