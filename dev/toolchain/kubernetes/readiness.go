package main

import (
	"context"
	"fmt"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// readyPause is between two looks at an object that is not ready.
const readyPause = time.Second

// verdict is what a look at an object says.
type verdict struct {
	ready bool
	// why says what is missing.
	why string
	// failed says that waiting is of no use.
	failed bool
}

func readyWhen(ready bool, format string, values ...any) verdict {
	return verdict{ready: ready, why: fmt.Sprintf(format, values...)}
}

// await looks at an object until it is ready, at most until ctx ends. It returns the last state seen in any case.
func (cluster *Cluster) await(
	ctx context.Context, where target, object *unstructured.Unstructured,
) (*unstructured.Unstructured, error) {
	for {
		seen := cluster.look(ctx, object)
		if seen.ready {
			return object, nil
		}
		if seen.failed {
			return object, fmt.Errorf("%s %s failed: %s", object.GetKind(), where.id(object.GetName()), seen.why)
		}
		if wait(ctx, readyPause) != nil {
			return object, fmt.Errorf("%s %s is not ready: %s", object.GetKind(), where.id(object.GetName()), seen.why)
		}
		if fresh, err := where.Get(ctx, object.GetName(), metav1.GetOptions{}); err == nil {
			object = fresh
		}
	}
}

// look judges one object by the rules of its kind; a kind without rules is ready as soon as it exists.
func (cluster *Cluster) look(ctx context.Context, object *unstructured.Unstructured) verdict {
	live := status{object}
	if seen := live.number(0, "status", "observedGeneration"); seen != 0 && seen < object.GetGeneration() {
		return readyWhen(false, "its controller has not seen the change")
	}
	switch object.GroupVersionKind().GroupKind().String() {
	case "Deployment.apps":
		return live.deployment()
	case "StatefulSet.apps":
		return live.statefulSet()
	case "DaemonSet.apps":
		return live.daemonSet()
	case "Job.batch":
		return live.job()
	case "Pod":
		ready, _ := live.condition("Ready")
		phase := live.text("status", "phase")
		return readyWhen(ready == "True" || phase == "Succeeded", "it is %s", phase)
	case "PersistentVolumeClaim":
		phase := live.text("status", "phase")
		return readyWhen(phase == "Bound" || cluster.bindsLater(ctx, live), "it is %s", phase)
	case "Service":
		addresses, _, _ := unstructured.NestedSlice(object.Object, "status", "loadBalancer", "ingress")
		needed := live.text("spec", "type") == "LoadBalancer"
		return readyWhen(!needed || len(addresses) > 0, "it has no load balancer address")
	case "CustomResourceDefinition.apiextensions.k8s.io":
		established, message := live.condition("Established")
		return readyWhen(established == "True", "it is not established: %s", message)
	case "APIService.apiregistration.k8s.io":
		available, message := live.condition("Available")
		return readyWhen(available == "True", "it is not available: %s", message)
	case "Namespace":
		phase := live.text("status", "phase")
		return readyWhen(phase == "Active", "it is %s", phase)
	}
	return verdict{ready: true}
}

// bindsLater says whether a claim waits for its first pod, as its storage class has it: nothing to wait for then.
func (cluster *Cluster) bindsLater(ctx context.Context, claim status) bool {
	class := claim.text("spec", "storageClassName")
	if class == "" {
		return false
	}
	classes := schema.GroupVersionResource{Group: "storage.k8s.io", Version: "v1", Resource: "storageclasses"}
	live, err := cluster.clients.dynamic.Resource(classes).Get(ctx, class, metav1.GetOptions{})
	return err == nil && live.Object["volumeBindingMode"] == "WaitForFirstConsumer"
}
