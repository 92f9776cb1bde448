package main

import (
	"fmt"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// status reads the fields of a live object that say how it is.
type status struct{ *unstructured.Unstructured }

func (live status) number(fallback int64, path ...string) int64 {
	if number, ok, _ := unstructured.NestedInt64(live.Object, path...); ok {
		return number
	}
	return fallback
}

func (live status) text(path ...string) string {
	text, _, _ := unstructured.NestedString(live.Object, path...)
	return text
}

// condition is the status and message of one of the object's conditions; a missing one is empty.
func (live status) condition(name string) (status, message string) {
	conditions, _, _ := unstructured.NestedSlice(live.Object, "status", "conditions")
	for _, each := range conditions {
		if condition, ok := each.(map[string]any); ok && condition["type"] == name {
			message, _ := condition["message"].(string)
			return fmt.Sprint(condition["status"]), message
		}
	}
	return "", ""
}

// observed says whether the controller has looked at the object at all.
func (live status) observed() bool { return live.number(0, "status", "observedGeneration") > 0 }

// updatesByHand says whether pods are replaced only when somebody deletes them.
func (live status) updatesByHand() bool {
	return live.text("spec", "updateStrategy", "type") == "OnDelete"
}

func (live status) deployment() verdict {
	if progressing, message := live.condition("Progressing"); progressing == "False" {
		return verdict{failed: true, why: message}
	}
	wanted := live.number(1, "spec", "replicas")
	updated := live.number(0, "status", "updatedReplicas")
	available := live.number(0, "status", "availableReplicas")
	all := live.number(0, "status", "replicas")
	return readyWhen(live.observed() && updated == wanted && available == wanted && all == wanted,
		"%d updated, %d available, %d in all of %d wanted", updated, available, all, wanted)
}

func (live status) statefulSet() verdict {
	wanted := live.number(1, "spec", "replicas")
	updated := live.number(0, "status", "updatedReplicas")
	ready := live.number(0, "status", "readyReplicas")
	return readyWhen(live.observed() && (updated == wanted || live.updatesByHand()) && ready == wanted,
		"%d updated, %d ready of %d wanted", updated, ready, wanted)
}

func (live status) daemonSet() verdict {
	wanted := live.number(0, "status", "desiredNumberScheduled")
	updated := live.number(0, "status", "updatedNumberScheduled")
	available := live.number(0, "status", "numberAvailable")
	return readyWhen(live.observed() && (updated == wanted || live.updatesByHand()) && available == wanted,
		"%d updated, %d available of %d wanted", updated, available, wanted)
}

func (live status) job() verdict {
	if failed, message := live.condition("Failed"); failed == "True" {
		return verdict{failed: true, why: message}
	}
	complete, _ := live.condition("Complete")
	return readyWhen(complete == "True", "it is not complete")
}
