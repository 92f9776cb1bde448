package main

import (
	"fmt"
	"os"
	"slices"
	"time"

	p "github.com/pulumi/pulumi-go-provider"
	"github.com/pulumi/pulumi/sdk/v3/go/property"
)

// What becomes of each input of a Release. An ignored one has no effect in the official provider either; a refused one
// may be set to its default only.
var (
	releaseHonoured = []string{
		"name", "namespace", "chart", "version", "repositoryOpts", "values", "valueYamlFiles", "createNamespace",
		"atomic", "cleanupOnFail", "timeout", "skipAwait", "waitForJobs", "skipCrds", "disableWebhooks",
		"disableCRDHooks", "disableOpenapiValidation", "dependencyUpdate", "description", "devel", "forceUpdate",
		"recreatePods", "resetValues", "reuseValues", "renderSubchartNotes", "maxHistory", "replace", "takeOwnership",
	}
	releaseIgnored = []string{
		"allowNullValues", "checksum", "compat", "resourceNames", "manifest", "status", "__internal", "__defaults",
	}
	releaseRefused = []string{"lint", "verify", "keyring", "postrender"}
	releaseOutputs = []string{"status", "resourceNames"}
)

// What the official provider records of a Release whether it is set or not: texts as "", flags as false. Beside these
// there are timeout and values always, and maxHistory and repositoryOpts where they are set.
var (
	releaseTexts = []string{"chart", "description", "keyring", "name", "namespace", "postrender", "version"}
	releaseFlags = []string{
		"allowNullValues", "atomic", "cleanupOnFail", "createNamespace", "dependencyUpdate", "devel", "disableCRDHooks",
		"disableOpenapiValidation", "disableWebhooks", "forceUpdate", "lint", "recreatePods", "renderSubchartNotes",
		"replace", "resetValues", "reuseValues", "skipAwait", "skipCrds", "takeOwnership", "verify", "waitForJobs",
	}
	repositoryOptions = []string{"repo", "caFile", "certFile", "keyFile", "username", "password"}
)

// defaultReleaseTime is Helm's and the official provider's, in seconds.
const defaultReleaseTime = 300

// checkRelease refuses inputs that are not here, fills in what is not set, and once all is known loads the chart: the
// version that is recorded is the chart's own.
func (cluster *Cluster) checkRelease(request p.CheckRequest) p.CheckResponse {
	response := p.CheckResponse{Failures: refusedInputs(request.Inputs)}
	inputs := request.Inputs
	if inputs.Get("name").IsNull() {
		name := textAt(request.State, "name")
		if name == "" {
			name = request.Urn.Name() + "-" + suffix()
		}
		inputs = inputs.Set("name", property.New(name))
	}
	if value := inputs.Get("namespace"); value.IsNull() || value.IsString() && value.AsString() == "" {
		inputs = inputs.Set("namespace", property.New(cluster.namespace))
	}
	if inputs.Get("timeout").IsNull() && !isSet(inputs, "skipAwait") {
		inputs = inputs.Set("timeout", property.New(float64(defaultReleaseTime)))
	}
	inputs, err := recorded(inputs)
	if err != nil {
		response.Failures = append(response.Failures, p.CheckFailure{Property: "valueYamlFiles", Reason: err.Error()})
	} else if len(response.Failures) == 0 && !property.New(inputs).HasComputed() {
		loaded, _, err := cluster.loadChart(inputs)
		if err != nil {
			reason := fmt.Sprintf("%v; check the chart name and repository configuration.", err)
			response.Failures = append(response.Failures, p.CheckFailure{Property: "chart", Reason: reason})
		} else {
			inputs = inputs.Set("version", property.New(loaded.Metadata.Version))
		}
	}
	response.Inputs = inputs
	return response
}

// refusedInputs names the inputs that would do something with the official provider and nothing here.
func refusedInputs(inputs property.Map) (failures []p.CheckFailure) {
	const unsupported = "not supported by the stand-in for the kubernetes provider"
	for name, value := range inputs.AsMap() {
		known := slices.Contains(releaseHonoured, name) || slices.Contains(releaseIgnored, name)
		plain := toAny(value)
		if !known && !(slices.Contains(releaseRefused, name) && (plain == false || plain == "")) {
			failures = append(failures, p.CheckFailure{Property: name, Reason: unsupported})
		}
	}
	for name := range mapAt(inputs, "repositoryOpts").AsMap() {
		if !slices.Contains(repositoryOptions, name) {
			failures = append(failures, p.CheckFailure{Property: "repositoryOpts." + name, Reason: unsupported})
		}
	}
	return failures
}

// recorded is a Release with exactly the properties that the official provider records. Values of files are among its
// values.
func recorded(given property.Map) (property.Map, error) {
	kept := map[string]property.Value{}
	keep := func(name string, unset property.Value) {
		kept[name] = given.Get(name)
		if kept[name].IsNull() {
			kept[name] = unset.WithSecret(kept[name].Secret())
		}
	}
	for _, name := range releaseTexts {
		keep(name, property.New(""))
	}
	for _, name := range releaseFlags {
		keep(name, property.New(false))
	}
	keep("timeout", property.New(0.0))
	keep("values", property.New(property.Map{}))
	if value := given.Get("maxHistory"); !value.IsNull() {
		kept["maxHistory"] = value
	}
	if value := given.Get("repositoryOpts"); value.IsMap() {
		options := value.AsMap()
		for _, name := range repositoryOptions {
			if options.Get(name).IsNull() {
				options = options.Set(name, property.New(""))
			}
		}
		kept["repositoryOpts"] = property.New(options).WithSecret(value.Secret())
	} else if !value.IsNull() {
		kept["repositoryOpts"] = value
	}
	if files := given.Get("valueYamlFiles"); files.IsArray() && kept["values"].IsMap() {
		merged, err := valuesOfFiles(files.AsArray().AsSlice())
		if err != nil {
			return given, err
		}
		kept["values"] = over(fromAny(merged), kept["values"])
	}
	return property.NewMap(kept), nil
}

// valuesOfFiles merges valueYamlFiles, later ones over earlier ones.
func valuesOfFiles(files []property.Value) (map[string]any, error) {
	merged := property.New(property.Map{})
	for index, value := range files {
		parsed, err := parsedAsset(value)
		if err != nil {
			return nil, fmt.Errorf("valueYamlFiles[%d]: %w", index, err)
		}
		merged = over(merged, fromAny(parsed))
	}
	return mapToAny(merged.AsMap()), nil
}

// over merges maps, key by key at every level; whatever else `upper` has wins.
func over(lower, upper property.Value) property.Value {
	if !lower.IsMap() || !upper.IsMap() {
		return upper
	}
	merged := lower.AsMap()
	for name, value := range upper.AsMap().AsMap() {
		merged = merged.Set(name, over(merged.Get(name), value))
	}
	return property.New(merged).WithSecret(lower.Secret() || upper.Secret())
}

// assetContent is the content of a text or file asset.
func assetContent(value property.Value) ([]byte, error) {
	if !value.IsAsset() {
		return nil, fmt.Errorf("no asset")
	}
	asset := value.AsAsset()
	if asset.Path != "" {
		return os.ReadFile(asset.Path)
	}
	return []byte(asset.Text), nil
}

// releaseTime is how long Helm waits: the input `timeout`, else the default. Custom timeouts do not count.
func releaseTime(inputs property.Map) time.Duration {
	seconds := float64(defaultReleaseTime)
	if value := inputs.Get("timeout"); value.IsNumber() && value.AsNumber() > 0 {
		seconds = value.AsNumber()
	}
	return time.Duration(seconds * float64(time.Second))
}
