package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"reflect"
	"slices"
	"strconv"
	"strings"

	p "github.com/pulumi/pulumi-go-provider"
	"github.com/pulumi/pulumi/sdk/v3/go/property"
	"k8s.io/client-go/tools/clientcmd/api"
)

// What becomes of each option of the provider. An ignored one would change nothing here; a refused one may be set to
// its default only. enableServerSideApply is honoured by being on; false is refused.
var (
	optionsHonoured = []string{
		"kubeconfig", "context", "cluster", "namespace", "clusterIdentifier", "deleteUnreachable", "enablePatchForce",
		"enableConfigMapMutable", "enableSecretMutable", "enableServerSideApply", "kubeClientSettings",
		"helmReleaseSettings", "skipUpdateUnreachable", "upsertExistingObjects",
	}
	optionsIgnored = []string{
		"suppressDeprecationWarnings", "suppressHelmHookWarnings", "version", "pluginDownloadURL", "__internal",
	}
	optionsRefused = []string{"renderYamlToDirectory", "alwaysRender"}
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

func (options Options) skipUpdateUnreachable() bool {
	return options.flag("skipUpdateUnreachable", "PULUMI_K8S_SKIP_UPDATE_UNREACHABLE")
}

func (options Options) upsertExistingObjects() bool {
	return options.flag("upsertExistingObjects", "PULUMI_K8S_UPSERT_EXISTING_OBJECTS")
}

// checkConfig refuses options that are not here.
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

// diffConfig replaces the provider, and with it everything on it, when clusterIdentifier changes. As long as it stays,
// nothing else does. Without one, or when it comes or goes, another cluster in the kubeconfig replaces, and so does a
// kubeconfig that is not known yet. Any other change, such as renewed certificates, is an update.
func diffConfig(_ context.Context, request p.DiffRequest) (p.DiffResponse, error) {
	response := p.DiffResponse{DetailedDiff: map[string]p.PropertyDiff{}}
	older, newer := request.State.Delete("version"), request.Inputs.Delete("version")
	before, after := decodeOptions(older), decodeOptions(newer)
	known, wanted := before.text("clusterIdentifier"), after.text("clusterIdentifier")
	replacing := map[string]bool{"clusterIdentifier": known != "" && wanted != "" && known != wanted}
	if wanted == "" || known != wanted {
		other := before.otherCluster(after)
		for _, name := range []string{"kubeconfig", "context", "cluster"} {
			replacing[name] = other || newer.Get(name).HasComputed()
		}
	}
	for name := range namesOf(older, newer) {
		had, has := older.Get(name), newer.Get(name)
		if !has.HasComputed() && reflect.DeepEqual(toAny(had), toAny(has)) {
			continue
		}
		kind := p.Update
		if replacing[name] {
			kind = p.UpdateReplace
		}
		response.DetailedDiff[name] = p.PropertyDiff{Kind: kind, InputDiff: true}
		response.HasChanges = true
	}
	return response, nil
}

// namesOf are the names of both.
func namesOf(first, second property.Map) map[string]bool {
	names := map[string]bool{}
	for _, each := range []property.Map{first, second} {
		for name := range each.AsMap() {
			names[name] = true
		}
	}
	return names
}

// otherCluster says whether both kubeconfigs have an active cluster, and not the same one.
func (options Options) otherCluster(after Options) bool {
	older, newer := options.activeCluster(), after.activeCluster()
	return older != nil && newer != nil && !reflect.DeepEqual(older, newer)
}

// activeCluster is what the kubeconfig says of the cluster that is used, or nil where none is known.
func (options Options) activeCluster() *api.Cluster {
	if options["kubeconfig"] == nil {
		return nil
	}
	config, err := options.loader("").RawConfig()
	if err != nil {
		return nil
	}
	name := config.CurrentContext
	if given := options.text("context"); given != "" {
		name = given
	}
	chosen := config.Contexts[name]
	if chosen == nil {
		return nil
	}
	if given := options.text("cluster"); given != "" {
		return config.Clusters[given]
	}
	return config.Clusters[chosen.Cluster]
}
