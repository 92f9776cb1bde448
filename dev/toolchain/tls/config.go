package main

import (
	"context"
	"strings"

	p "github.com/pulumi/pulumi-go-provider"
)

// checkConfig refuses every provider option: the official one has only `proxy`, for a data source that is not here.
func checkConfig(_ context.Context, request p.CheckRequest) (p.CheckResponse, error) {
	response := p.CheckResponse{Inputs: request.Inputs}
	for name := range request.Inputs.AsMap() {
		if name == "version" || name == "pluginDownloadURL" || strings.HasPrefix(name, "__") {
			continue
		}
		response.Failures = append(response.Failures, p.CheckFailure{
			Property: name,
			Reason:   "not supported by the stand-in for the tls provider",
		})
	}
	return response, nil
}
