package main

import (
	"encoding/json"

	"github.com/pulumi/pulumi-terraform-bridge/v3/pkg/tfbridge"
	shim "github.com/pulumi/pulumi-terraform-bridge/v3/pkg/tfshim"
)

// property is one property of a package schema, cut down to what a reader of names needs.
type property struct {
	Type   string `json:"type"`
	Secret bool   `json:"secret,omitempty"`
	// Properties are those of the objects that the property is, or is a list of.
	Properties map[string]property `json:"properties,omitempty"`
}

// described is a class: its properties by name. Required names are listed apart, as in Pulumi's schema.
type described struct {
	InputProperties map[string]property `json:"inputProperties"`
	Properties      map[string]property `json:"properties"`
	RequiredInputs  []string            `json:"requiredInputs,omitempty"`
}

// describe makes a package schema with the names of all properties. It is no full schema (nested
// types have no names of their own): the SDKs are generated already, and what remains are readers that compare names.
func describe(info tfbridge.ProviderInfo) ([]byte, error) {
	classes := map[string]described{}
	for terraform, sdk := range resources {
		classes[token(sdk)] = describeOne(info.P.ResourcesMap().Get(terraform).Schema())
	}
	functions := map[string]map[string]described{}
	for terraform, sdk := range dataSources {
		one := describeOne(info.P.DataSourcesMap().Get(terraform).Schema())
		functions[token(sdk)] = map[string]described{
			"inputs":  {Properties: one.InputProperties, RequiredInputs: one.RequiredInputs},
			"outputs": {Properties: one.Properties},
		}
	}
	return json.Marshal(map[string]any{
		"name":      info.Name,
		"version":   info.Version,
		"provider":  describeOne(info.P.Schema()),
		"resources": classes,
		"functions": functions,
	})
}

// describeOne lists the properties of one Terraform schema under the SDK's names.
func describeOne(schema shim.SchemaMap) described {
	one := described{InputProperties: map[string]property{}, Properties: map[string]property{}}
	for name, details := range names(schema) {
		described := property{Type: typeOf(details), Secret: details.Sensitive(), Properties: nested(details)}
		one.Properties[name] = described
		if details.Optional() || details.Required() {
			one.InputProperties[name] = described
		}
		if details.Required() {
			one.RequiredInputs = append(one.RequiredInputs, name)
		}
	}
	return one
}

// nested lists the properties of the objects that a property consists of; a property without any has none.
func nested(details shim.Schema) map[string]property {
	object, ok := details.Elem().(shim.Resource)
	if !ok {
		return nil
	}
	return describeOne(object.Schema()).Properties
}

// typeOf is the schema type that the SDK sees: a list of at most one element is that element.
func typeOf(details shim.Schema) string {
	switch details.Type() {
	case shim.TypeBool:
		return "boolean"
	case shim.TypeInt:
		return "integer"
	case shim.TypeFloat:
		return "number"
	case shim.TypeString:
		return "string"
	case shim.TypeMap:
		return "object"
	case shim.TypeList, shim.TypeSet:
		if !tfbridge.IsMaxItemsOne(details, nil) {
			return "array"
		}
		if element, ok := details.Elem().(shim.Schema); ok {
			return typeOf(element)
		}
		return "object"
	default:
		return "object"
	}
}
