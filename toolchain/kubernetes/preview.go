package main

import (
	"github.com/pulumi/pulumi/sdk/v3/go/property"
)

// serverSet are the parts of the metadata that only the API server knows. Nested properties that are missing would be
// a KeyError in the program, while missing top-level ones, such as the status, are unknown to the SDKs by themselves.
var serverSet = []string{"uid", "namespace", "creationTimestamp", "resourceVersion", "generation"}

// planned is what a preview gives as outputs: the inputs, with the metadata that the API server sets as it was, or
// unknown where an object is new or the operation will change it.
func planned(inputs, before property.Map) property.Map {
	value := inputs.Get("metadata")
	if !value.IsMap() {
		return inputs
	}
	metadata := value.AsMap()
	for _, name := range serverSet {
		if _, given := metadata.GetOk(name); given {
			continue
		}
		old := at(before, "metadata", name)
		changes := name == "resourceVersion" || name == "generation"
		switch {
		case !old.IsNull() && !changes:
			metadata = metadata.Set(name, old)
		case before.Len() == 0 || name != "namespace": // an existing object without a namespace stays without
			metadata = metadata.Set(name, property.New(property.Computed))
		}
	}
	return inputs.Set("metadata", property.New(metadata).WithSecret(value.Secret()))
}
