package main

import (
	"fmt"
	"strings"

	"github.com/pulumi/pulumi-terraform-bridge/v3/pkg/tfbridge"
	shim "github.com/pulumi/pulumi-terraform-bridge/v3/pkg/tfshim"
	shimv2 "github.com/pulumi/pulumi-terraform-bridge/v3/pkg/tfshim/sdk-v2"
	"github.com/pulumi/pulumi/sdk/v3/go/common/tokens"
	"github.com/terraform-provider-openstack/terraform-provider-openstack/v3/openstack"
)

// provider describes the bridged provider: every resource and data source of tokens.go.
func provider() tfbridge.ProviderInfo {
	info := tfbridge.ProviderInfo{
		P:           shimv2.NewProvider(openstack.Provider()),
		Name:        "openstack",
		Version:     version,
		Resources:   map[string]*tfbridge.ResourceInfo{},
		DataSources: map[string]*tfbridge.DataSourceInfo{},
	}
	for terraform, sdk := range resources {
		info.Resources[terraform] = &tfbridge.ResourceInfo{Tok: tokens.Type(token(sdk))}
	}
	for terraform, sdk := range dataSources {
		info.DataSources[terraform] = &tfbridge.DataSourceInfo{Tok: tokens.ModuleMember(token(sdk))}
	}
	return info
}

// token is the name by which the SDK asks for a class or function.
func token(sdk member) string {
	file := strings.ToLower(sdk.name[:1]) + sdk.name[1:]
	return fmt.Sprintf("openstack:%s/%s:%s", sdk.module, file, sdk.name)
}

// names gives the SDK's name of every property of a Terraform schema.
func names(properties shim.SchemaMap) map[string]shim.Schema {
	known := map[string]shim.Schema{}
	properties.Range(func(terraform string, property shim.Schema) bool {
		known[tfbridge.TerraformToPulumiNameV2(terraform, properties, nil)] = property
		return true
	})
	return known
}
