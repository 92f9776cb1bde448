package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	p "github.com/pulumi/pulumi-go-provider"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

// gonePause is between two looks at an object that is going.
const gonePause = 500 * time.Millisecond

// deleteObject deletes an object and waits until it is gone. A namesake that was made since is left alone.
func (cluster *Cluster) deleteObject(ctx context.Context, request p.DeleteRequest) error {
	ctx, done := cluster.limited(ctx, request.Timeout, operationTime)
	defer done()
	clients, err := cluster.connect()
	if err != nil {
		return err
	}
	if cluster.options.deleteUnreachable() && !clients.reachable() {
		return nil
	}
	namespace, name := splitID(request.ID)
	found, err := cluster.findTarget(ctx, kindOf(request.Urn), namespace)
	if isNoKind(err) {
		return nil // the kind itself is gone, and its objects with it
	}
	if err != nil {
		return err
	}
	uid := textAt(request.Properties, "metadata", "uid")
	err = whileUnreachable(ctx, func() error { return found.Delete(ctx, name, deleteOptions(request, uid)) })
	if apierrors.IsNotFound(err) || apierrors.IsConflict(err) {
		return nil
	}
	if err != nil || textAt(request.Properties, "metadata", "annotations", annotationSkipAwait) == "true" {
		return err
	}
	return awaitGone(ctx, found, name, uid)
}

// deleteOptions are the propagation policy and, as a precondition, the identity of the object.
func deleteOptions(request p.DeleteRequest, uid string) metav1.DeleteOptions {
	policy := metav1.DeletePropagationBackground
	if wanted := textAt(request.Properties, "metadata", "annotations", annotationPropagation); wanted != "" {
		policy = metav1.DeletionPropagation(strings.ToUpper(wanted[:1]) + wanted[1:])
	}
	options := metav1.DeleteOptions{PropagationPolicy: &policy}
	if uid != "" {
		identity := types.UID(uid)
		options.Preconditions = &metav1.Preconditions{UID: &identity}
	}
	return options
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
