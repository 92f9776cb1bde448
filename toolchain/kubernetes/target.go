package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/runtime/schema"
	utilnet "k8s.io/apimachinery/pkg/util/net"
	"k8s.io/client-go/dynamic"
)

const (
	// kindTime is how long to wait for a kind whose definition has just been made.
	kindTime = time.Minute
	// unreachableTime is how long an API server may be away before that is an error: a moved address takes seconds.
	unreachableTime = 30 * time.Second
	// retryPause is between two attempts of either.
	retryPause = 2 * time.Second
)

// target is where the objects of one kind are, in one namespace or in none.
type target struct {
	dynamic.ResourceInterface
	namespace string
}

// id is the resource's id: namespace/name, or just the name.
func (target target) id(name string) string {
	if target.namespace == "" {
		return name
	}
	return target.namespace + "/" + name
}

// splitID is the way back.
func splitID(id string) (namespace, name string) {
	if before, after, ok := strings.Cut(id, "/"); ok {
		return before, after
	}
	return "", id
}

// target finds a kind on the API server, waiting up to a minute for one that is not there yet.
func (cluster *Cluster) target(
	ctx context.Context, kind schema.GroupVersionKind, namespace string,
) (target, error) {
	deadline := time.Now().Add(kindTime)
	for {
		found, err := cluster.findTarget(ctx, kind, namespace)
		if err == nil || !isNoKind(err) || time.Now().After(deadline) {
			return found, err
		}
		if err := wait(ctx, retryPause); err != nil {
			return target{}, err
		}
	}
}

// findTarget looks once, past the cache of kinds where that does not know the kind.
func (cluster *Cluster) findTarget(
	ctx context.Context, kind schema.GroupVersionKind, namespace string,
) (target, error) {
	clients, err := cluster.connect()
	if err != nil {
		return target{}, err
	}
	var mapping *meta.RESTMapping
	err = whileUnreachable(ctx, func() (err error) {
		if mapping, err = clients.mapper.RESTMapping(kind.GroupKind(), kind.Version); meta.IsNoMatchError(err) {
			clients.mapper.Reset()
			mapping, err = clients.mapper.RESTMapping(kind.GroupKind(), kind.Version)
		}
		return err
	})
	if meta.IsNoMatchError(err) {
		return target{}, fmt.Errorf("%w %s", errNoKind, kind)
	}
	if err != nil {
		return target{}, err
	}
	all := clients.dynamic.Resource(mapping.Resource)
	if mapping.Scope.Name() != meta.RESTScopeNameNamespace {
		return target{ResourceInterface: all}, nil
	}
	if namespace == "" {
		namespace = cluster.defaultNamespace()
	}
	return target{ResourceInterface: all.Namespace(namespace), namespace: namespace}, nil
}

// whileUnreachable repeats what failed because the API server did not answer, for as long as an address takes to move.
// What is repeated has to be safe to do twice.
func whileUnreachable(ctx context.Context, attempt func() error) error {
	deadline := time.Now().Add(unreachableTime)
	for {
		err := attempt()
		if err == nil || !isUnreachable(err) || time.Now().After(deadline) {
			return err
		}
		if wait(ctx, retryPause) != nil {
			return err
		}
	}
}

// isUnreachable says whether nobody, or nobody that could answer, was there.
func isUnreachable(err error) bool {
	var timeout interface{ Timeout() bool }
	return utilnet.IsConnectionRefused(err) || utilnet.IsConnectionReset(err) || utilnet.IsProbableEOF(err) ||
		utilnet.IsHTTP2ConnectionLost(err) || apierrors.IsServiceUnavailable(err) || apierrors.IsTooManyRequests(err) ||
		(errors.As(err, &timeout) && timeout.Timeout() && !errors.Is(err, context.DeadlineExceeded))
}
