package main

import (
	"encoding/base64"
	"reflect"

	"github.com/pulumi/pulumi/sdk/v3/go/property"
)

// readOnly are the fields of the metadata that only the API server sets.
var readOnly = []string{
	"creationTimestamp", "deletionGracePeriodSeconds", "deletionTimestamp", "generation", "managedFields",
	"resourceVersion", "uid",
}

// normalized gives inputs the form in which they are kept: without what only the API server sets, and the texts of a
// Secret among its data. What is not known yet leaves a Secret as it is.
func normalized(inputs property.Map) property.Map {
	if value := inputs.Get("metadata"); value.IsMap() {
		metadata := property.New(value.AsMap().Delete(readOnly...))
		inputs = inputs.Set("metadata", metadata.WithSecret(value.Secret()))
	}
	if textAt(inputs, "apiVersion") != "v1" || textAt(inputs, "kind") != "Secret" ||
		property.New(inputs).HasComputed() {
		return inputs
	}
	data, changed := mapAt(inputs, "data"), false
	for name, value := range data.AsMap() {
		if !value.IsString() {
			continue
		}
		// As the API server decodes and encodes it again.
		if decoded, err := base64.StdEncoding.DecodeString(value.AsString()); err == nil {
			encoded := base64.StdEncoding.EncodeToString(decoded)
			data, changed = data.Set(name, property.New(encoded).WithSecret(value.Secret())), true
		}
	}
	for name, value := range mapAt(inputs, "stringData").AsMap() {
		if !value.IsString() {
			return inputs
		}
		encoded := base64.StdEncoding.EncodeToString([]byte(value.AsString()))
		data, changed = data.Set(name, property.New(encoded).WithSecret(value.Secret())), true
	}
	if !changed {
		return inputs
	}
	if mapAt(inputs, "stringData").Len() > 0 {
		inputs = inputs.Delete("stringData")
	}
	return hideContent(inputs.Set("data", property.New(data)))
}

// pruned reduces what is live to the fields that `shape` has. Lists are compared element by element, as far as `shape`
// goes; where the types differ, the live value is taken whole.
func pruned(live, shape any) any {
	switch shape := shape.(type) {
	case map[string]any:
		fields, ok := live.(map[string]any)
		if !ok {
			return live
		}
		result := map[string]any{}
		for name, value := range fields {
			if inner, wanted := shape[name]; wanted {
				result[name] = pruned(value, inner)
			}
		}
		return result
	case []any:
		elements, ok := live.([]any)
		if !ok {
			return live
		}
		result := []any{}
		if len(elements) == 0 || len(shape) == 0 {
			return result
		}
		if reflect.TypeOf(elements[0]) != reflect.TypeOf(shape[0]) {
			return live
		}
		for index := range min(len(elements), len(shape)) {
			result = append(result, pruned(elements[index], shape[index]))
		}
		return result
	}
	return live
}
