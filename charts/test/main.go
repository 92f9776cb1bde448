// Command render prints the manifests of a chart, as `helm template` does: it reads values as YAML from standard
// input, checks them against the chart's schema and writes one YAML stream. It needs neither a cluster nor Helm.
package main

import (
	"flag"
	"fmt"
	"io"
	"os"
	"sort"
	"strings"

	"helm.sh/helm/v3/pkg/chart/loader"
	"helm.sh/helm/v3/pkg/chartutil"
	"helm.sh/helm/v3/pkg/engine"
	"sigs.k8s.io/yaml"
)

func render(path, release, namespace, version string, input io.Reader) (string, error) {
	content, err := io.ReadAll(input)
	if err != nil {
		return "", fmt.Errorf("values: %w", err)
	}
	given := map[string]any{}
	if err := yaml.Unmarshal(content, &given); err != nil {
		return "", fmt.Errorf("values: %w", err)
	}
	loaded, err := loader.Load(path)
	if err != nil {
		return "", err
	}
	capabilities := chartutil.DefaultCapabilities.Copy()
	parsed, err := chartutil.ParseKubeVersion(version)
	if err != nil {
		return "", err
	}
	capabilities.KubeVersion = *parsed
	options := chartutil.ReleaseOptions{Name: release, Namespace: namespace, Revision: 1, IsInstall: true}
	values, err := chartutil.ToRenderValues(loaded, given, options, capabilities)
	if err != nil {
		return "", err
	}
	files, err := engine.Render(loaded, values)
	if err != nil {
		return "", err
	}
	names := make([]string, 0, len(files))
	for name, text := range files {
		if strings.TrimSpace(text) != "" && !strings.HasSuffix(name, "NOTES.txt") {
			names = append(names, name)
		}
	}
	sort.Strings(names)
	var stream strings.Builder
	for _, name := range names {
		fmt.Fprintf(&stream, "---\n# Source: %s\n%s\n", name, strings.TrimSpace(files[name]))
	}
	return stream.String(), nil
}

func main() {
	release := flag.String("release", "database", "release name")
	namespace := flag.String("namespace", "database", "namespace of the release")
	version := flag.String("kubernetes", "v1.36.5", "Kubernetes version to render for")
	flag.Parse()
	if flag.NArg() != 1 {
		fmt.Fprintln(os.Stderr, "usage: render [--release NAME] [--namespace NAME] CHART < values.yaml")
		os.Exit(2)
	}
	stream, err := render(flag.Arg(0), *release, *namespace, *version, os.Stdin)
	if err != nil {
		fmt.Fprintln(os.Stderr, "render:", err)
		os.Exit(1)
	}
	fmt.Print(stream)
}
