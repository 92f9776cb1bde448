// Command pulumi-resource-openstack is Pulumi's provider for OpenStack, made the way the official one is: Pulumi's
// Terraform bridge over the Terraform provider. It stands in for pulumi-openstack 5.5.3 where that cannot be
// downloaded. It has the same tokens and property names, and only the resources in tokens.go.
package main

import (
	"fmt"
	"os"

	"github.com/pulumi/pulumi-terraform-bridge/v3/pkg/tfbridge"
)

func main() {
	info := provider()
	schema, err := describe(info)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	tfbridge.Main(info.Name, info.Version, info, schema)
}
