package main

import (
	"encoding/json"
	"strings"

	p "github.com/pulumi/pulumi-go-provider"
)

// describe answers GetSchema. It is no full schema: it says what becomes of each input of the provider and of a
// Release, as the description of each property; every input that is not listed is refused. All other kinds are passed on
// to the API server, which refuses fields that it does not know.
func describe() (p.GetSchemaResponse, error) {
	content, err := json.Marshal(map[string]any{
		"name":    "kubernetes",
		"version": version,
		"provider": map[string]any{"inputProperties": described(map[string][]string{
			"honoured": optionsHonoured, "ignored": optionsIgnored, "refused": optionsRefused,
		})},
		"resources": map[string]any{releaseToken: map[string]any{
			"inputProperties": described(map[string][]string{
				"honoured": releaseHonoured, "ignored": releaseIgnored, "refused": releaseRefused,
			}),
			"properties": described(map[string][]string{"honoured": releaseHonoured, "output": releaseOutputs}),
		}},
	})
	return p.GetSchemaResponse{Schema: string(content)}, err
}

// described lists properties with what becomes of them.
func described(groups map[string][]string) map[string]any {
	properties := map[string]any{}
	for fate, names := range groups {
		for _, name := range names {
			if !strings.HasPrefix(name, "__") {
				properties[name] = map[string]any{"type": "string", "description": fate}
			}
		}
	}
	return properties
}
