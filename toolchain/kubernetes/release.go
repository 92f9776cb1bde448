package main

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	p "github.com/pulumi/pulumi-go-provider"
	"github.com/pulumi/pulumi/sdk/v3/go/property"
	"helm.sh/helm/v3/pkg/registry"
)

// What becomes of each input of a Release. An ignored one has no effect with Helm 3 or is an output; a refused one may
// be set to its default only.
var (
	releaseHonoured = []string{
		"name", "namespace", "chart", "version", "repositoryOpts", "values", "valueYamlFiles", "createNamespace",
		"atomic", "cleanupOnFail", "timeout", "skipAwait", "waitForJobs", "skipCrds", "disableWebhooks",
		"disableOpenapiValidation", "dependencyUpdate", "description", "devel", "forceUpdate", "recreatePods",
		"resetValues", "reuseValues", "renderSubchartNotes", "maxHistory", "replace", "takeOwnership", "checksum",
	}
	releaseIgnored = []string{"compat", "disableCRDHooks", "resourceNames", "manifest", "__internal", "__defaults"}
	releaseRefused = []string{"allowNullValues", "lint", "verify", "keyring", "postrender"}
	releaseOutputs = []string{"status", "resourceNames", "manifest"}
)

var repositoryOptions = []string{"repo", "caFile", "certFile", "keyFile", "username", "password"}

// defaultReleaseTime is Helm's and the official provider's, in seconds.
const defaultReleaseTime = 300

// checkRelease refuses inputs that are not here and fills in the name and namespace. The content of a local chart takes
// part in the diff by its checksum.
func (cluster *Cluster) checkRelease(request p.CheckRequest) p.CheckResponse {
	inputs := request.Inputs
	response := p.CheckResponse{}
	fail := func(name, reason string) {
		response.Failures = append(response.Failures, p.CheckFailure{Property: name, Reason: reason})
	}
	const unsupported = "not supported by the stand-in for the kubernetes provider"
	for name, value := range inputs.AsMap() {
		known := slices.Contains(releaseHonoured, name) || slices.Contains(releaseIgnored, name)
		plain := toAny(value)
		if !known && !(slices.Contains(releaseRefused, name) && (plain == false || plain == "")) {
			fail(name, unsupported)
		}
	}
	for name := range mapAt(inputs, "repositoryOpts").AsMap() {
		if !slices.Contains(repositoryOptions, name) {
			fail("repositoryOpts."+name, unsupported)
		}
	}
	if _, ok := inputs.GetOk("chart"); !ok {
		fail("chart", "required")
	}
	if _, ok := inputs.GetOk("name"); !ok {
		name := request.Urn.Name() + "-" + suffix()
		if old := textAt(request.State, "name"); strings.HasPrefix(old, request.Urn.Name()+"-") {
			name = old
		}
		inputs = inputs.Set("name", property.New(name))
	}
	if _, ok := inputs.GetOk("namespace"); !ok {
		inputs = inputs.Set("namespace", property.New(cluster.defaultNamespace()))
	}
	if sum := checksum(textAt(inputs, "chart")); sum != "" {
		inputs = inputs.Set("checksum", property.New(sum))
	}
	response.Inputs = inputs
	return response
}

// checksum is over names and contents of a local chart, a folder or an archive; a chart from elsewhere has none.
func checksum(path string) string {
	if path == "" || registry.IsOCI(path) || !isFile(path) {
		return ""
	}
	sum := sha256.New()
	_ = filepath.WalkDir(path, func(name string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.Type().IsRegular() {
			return nil //nolint:nilerr // what cannot be read is reported when the chart is loaded
		}
		relative, _ := filepath.Rel(path, name)
		fmt.Fprintf(sum, "%s\x00", relative)
		if file, err := os.Open(name); err == nil {
			_, _ = io.Copy(sum, file)
			_ = file.Close()
		}
		return nil
	})
	return hex.EncodeToString(sum.Sum(nil))
}

// releaseTime is how long Helm waits: the input `timeout`, else the resource's custom timeout, else the default.
func releaseTime(inputs property.Map, custom float64) time.Duration {
	seconds := custom
	if value := inputs.Get("timeout"); value.IsNumber() && value.AsNumber() > 0 {
		seconds = value.AsNumber()
	}
	if seconds == 0 {
		seconds = defaultReleaseTime
	}
	return time.Duration(seconds * float64(time.Second))
}
