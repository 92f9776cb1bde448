package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"

	p "github.com/pulumi/pulumi-go-provider"
	"github.com/pulumi/pulumi/sdk/v3/go/property"
	"k8s.io/client-go/tools/clientcmd"
)

// What becomes of each option of the provider. An ignored one would change nothing here; a refused one may be set to
// its default only. enableServerSideApply is honoured by being on; false is refused.
var (
	optionsHonoured = []string{
		"kubeconfig", "context", "cluster", "namespace", "clusterIdentifier", "deleteUnreachable", "enablePatchForce",
		"enableConfigMapMutable", "enableSecretMutable", "enableServerSideApply", "kubeClientSettings",
		"helmReleaseSettings",
	}
	optionsIgnored = []string{
		"suppressDeprecationWarnings", "suppressHelmHookWarnings", "upsertExistingObjects", "version",
		"pluginDownloadURL", "__internal", "__pulumi-go-provider-version",
	}
	optionsRefused = []string{"renderYamlToDirectory", "alwaysRender", "skipUpdateUnreachable"}
)

// plainOptions are strings; the SDKs send every other option as JSON in a string.
var plainOptions = []string{"kubeconfig", "context", "cluster", "namespace", "clusterIdentifier"}

// Options are the provider's options as Go values.
type Options map[string]any

// decodeOptions leaves out what is not known yet.
func decodeOptions(raw property.Map) Options {
	options := Options{}
	for name, value := range raw.AsMap() {
		if value.HasComputed() {
			continue
		}
		plain := toAny(value)
		if text, ok := plain.(string); ok && !slices.Contains(plainOptions, name) {
			var decoded any
			if json.Unmarshal([]byte(text), &decoded) == nil {
				plain = decoded
			}
		}
		options[name] = plain
	}
	return options
}

// text is an option that is a string; unset is empty.
func (options Options) text(name string) string {
	text, _ := options[name].(string)
	return text
}

// flag is an option that is true or false, or what the environment variable says where it is unset.
func (options Options) flag(name, variable string) bool {
	if set, ok := options[name].(bool); ok {
		return set
	}
	set, _ := strconv.ParseBool(os.Getenv(variable))
	return set
}

// nested is one string of an option that is an object.
func (options Options) nested(name, key, fallback string) string {
	object, _ := options[name].(map[string]any)
	if text, ok := object[key].(string); ok && text != "" {
		return text
	}
	return fallback
}

func (options Options) deleteUnreachable() bool {
	return options.flag("deleteUnreachable", "PULUMI_K8S_DELETE_UNREACHABLE")
}

// checkConfig refuses options that are not here, and a kubeconfig that is none.
func checkConfig(_ context.Context, request p.CheckRequest) (p.CheckResponse, error) {
	response := p.CheckResponse{Inputs: request.Inputs}
	refuse := func(name, reason string) {
		response.Failures = append(response.Failures, p.CheckFailure{Property: name, Reason: reason})
	}
	options := decodeOptions(request.Inputs)
	for name, value := range options {
		switch {
		case name == "enableServerSideApply" && value == false:
			refuse(name, "the stand-in for the kubernetes provider has server-side apply only")
		case slices.Contains(optionsHonoured, name), slices.Contains(optionsIgnored, name):
		case slices.Contains(optionsRefused, name) && (value == false || value == ""):
		default:
			refuse(name, fmt.Sprintf("%v is not supported by the stand-in for the kubernetes provider", value))
		}
	}
	if kubeconfig := options.text("kubeconfig"); kubeconfig != "" && !isFile(kubeconfig) {
		if _, err := clientcmd.Load([]byte(kubeconfig)); err != nil {
			refuse("kubeconfig", "neither a file nor a kubeconfig: "+err.Error())
		}
	}
	return response, nil
}

// isFile says whether a kubeconfig option is the name of a file; contents are longer than any name.
func isFile(text string) bool {
	if len(text) > 4096 || strings.Contains(text, "\n") {
		return false
	}
	_, err := os.Stat(text)
	return err == nil
}

// diffConfig replaces the provider, and with it everything on it, when clusterIdentifier changes, or without one when
// the API server's address does. Any other change, such as renewed certificates, is an update.
func diffConfig(_ context.Context, request p.DiffRequest) (p.DiffResponse, error) {
	response := p.DiffResponse{DetailedDiff: map[string]p.PropertyDiff{}}
	before, after := decodeOptions(request.State), decodeOptions(request.Inputs)
	replace := before.text("clusterIdentifier") != after.text("clusterIdentifier")
	if before["clusterIdentifier"] == nil && after["clusterIdentifier"] == nil {
		older, newer := before.server(), after.server()
		replace = older != "" && newer != "" && older != newer
	}
	own := []string{"__pulumi-go-provider-version", "version"}
	older, newer := property.New(request.State.Delete(own...)), property.New(request.Inputs.Delete(own...))
	walk("", older, newer, func(path string, kind p.DiffKind) {
		if replace && (path == "kubeconfig" || path == "clusterIdentifier") {
			kind += "&replace"
		}
		response.DetailedDiff[path] = p.PropertyDiff{Kind: kind, InputDiff: true}
		response.HasChanges = true
	})
	return response, nil
}

// server is the API server's address, or empty where no kubeconfig is known.
func (options Options) server() string {
	if options["kubeconfig"] == nil {
		return ""
	}
	config, err := options.loader("").ClientConfig()
	if err != nil {
		return ""
	}
	return config.Host
}
