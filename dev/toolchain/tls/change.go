package main

import (
	"context"
	"reflect"
	"strings"

	p "github.com/pulumi/pulumi-go-provider"
	"github.com/pulumi/pulumi-go-provider/infer"
)

// earlyRenewal is the one input whose change keeps a certificate.
const earlyRenewal = "earlyRenewalHours"

// replacements compares two sets of inputs field by field, both with their defaults, so that a default is as good as
// nothing: every change replaces, but one of earlyRenewalHours.
func replacements(before, after any) p.DiffResponse {
	response := p.DiffResponse{DetailedDiff: map[string]p.PropertyDiff{}}
	older, newer := reflect.ValueOf(before), reflect.ValueOf(after)
	for _, field := range reflect.VisibleFields(newer.Type()) {
		name, _, _ := strings.Cut(field.Tag.Get("pulumi"), ",")
		if name == "" || reflect.DeepEqual(
			older.FieldByIndex(field.Index).Interface(), newer.FieldByIndex(field.Index).Interface(),
		) {
			continue
		}
		kind := p.UpdateReplace
		if name == earlyRenewal {
			kind = p.Update
		}
		response.DetailedDiff[name] = p.PropertyDiff{Kind: kind, InputDiff: true}
		response.HasChanges = true
	}
	return response
}

// checked turns raw inputs into typed ones and adds the failures that `examine` finds in them.
func checked[I any](
	ctx context.Context, request infer.CheckRequest, examine func(I) []p.CheckFailure,
) (infer.CheckResponse[I], error) {
	inputs, failures, err := infer.DefaultCheck[I](ctx, request.NewInputs)
	if err == nil {
		failures = append(failures, examine(inputs)...)
	}
	return infer.CheckResponse[I]{Inputs: inputs, Failures: failures}, err
}

// valueOr is what an optional input points to, or the fallback where it is unset.
func valueOr[T any](pointer *T, fallback T) T {
	if pointer == nil {
		return fallback
	}
	return *pointer
}
