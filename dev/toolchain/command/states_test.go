package main

import (
	"maps"
	"slices"
	"testing"

	p "github.com/pulumi/pulumi-go-provider"
	presource "github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource/plugin"
	"github.com/pulumi/pulumi/sdk/v3/go/property"
)

const urn = presource.URN("urn:pulumi:stack::project::command:remote:Command::machine")

// inputs are what the SDK sends of a step: it fills in the defaults of a connection itself.
func inputs(script string) property.Map {
	endpoint := func(host string) property.Map {
		return property.NewMap(map[string]property.Value{
			"host": property.New(host), "user": property.New("debian"), "port": property.New(22.0),
			"privateKey":     property.New("a key").WithSecret(true),
			"dialErrorLimit": property.New(20.0), "perDialTimeout": property.New(10.0),
		})
	}
	connection := endpoint("10.0.0.5").Set("proxy", property.New(endpoint("192.0.2.1")))
	return property.NewMap(map[string]property.Value{
		"connection": property.New(connection).WithSecret(true), "create": property.New(script),
		"stdin":                  property.New("an archive").WithSecret(true),
		"triggers":               property.New([]property.Value{property.New("an instance")}),
		"addPreviousOutputInEnv": property.New(false),
	})
}

// checked are inputs as they are recorded.
func checked(t *testing.T, urn presource.URN, given property.Map) property.Map {
	t.Helper()
	response, err := provider().Check(t.Context(), p.CheckRequest{Urn: urn, Inputs: given})
	if err != nil || len(response.Failures) != 0 {
		t.Fatal(err, response.Failures)
	}
	return sent(t, response.Inputs)
}

// sent is what comes of properties on their way to the engine and back.
func sent(t *testing.T, given property.Map) property.Map {
	t.Helper()
	options := plugin.MarshalOptions{KeepSecrets: true}
	message, err := plugin.MarshalProperties(presource.ToResourcePropertyMap(given), options)
	if err != nil {
		t.Fatal(err)
	}
	received, err := plugin.UnmarshalProperties(message, options)
	if err != nil {
		t.Fatal(err)
	}
	return presource.FromResourcePropertyMap(received)
}

func TestRecordedInputsAreWhatTheSDKSends(t *testing.T) {
	if got := checked(t, urn, inputs("a script")); !property.New(got).Equals(property.New(inputs("a script"))) {
		t.Errorf("%v", got)
	}
}

func TestDefaultsOfAConnectionAreRecorded(t *testing.T) {
	bare := property.NewMap(map[string]property.Value{"host": property.New("10.0.0.5")})
	given := property.NewMap(map[string]property.Value{"connection": property.New(bare)})
	connection := checked(t, urn, given).Get("connection").AsMap()
	for name, expected := range map[string]property.Value{
		"user": property.New("root"), "port": property.New(22.0),
		"dialErrorLimit": property.New(10.0), "perDialTimeout": property.New(15.0),
	} {
		if !connection.Get(name).Equals(expected) {
			t.Errorf("%s is %v", name, connection.Get(name))
		}
	}
}

func TestStatesOfTheOfficialProviderAreReadWithoutAChange(t *testing.T) {
	// It is made of the same library: a state is the inputs and the two outputs.
	state := inputs("a script").Set("stdout", property.New("done")).Set("stderr", property.New(""))
	for script, expected := range map[string][]string{"a script": {}, "another": {"create"}} {
		diff, err := provider().Diff(t.Context(), p.DiffRequest{
			ID: "machine1f2e3d4c", Urn: urn, State: state, Inputs: checked(t, urn, inputs(script)),
		})
		if err != nil {
			t.Fatal(err)
		}
		if found := slices.Sorted(maps.Keys(diff.DetailedDiff)); !slices.Equal(found, expected) {
			t.Errorf("%s: %v", script, diff.DetailedDiff)
		}
	}
}

func TestStateHoldsInputsAndOutputs(t *testing.T) {
	given := inputs("a script").Delete("create") // nobody is dialed
	made, err := provider().Create(t.Context(), p.CreateRequest{Urn: urn, Properties: given})
	if err != nil {
		t.Fatal(err)
	}
	expected := given.Set("stdout", property.New("")).Set("stderr", property.New(""))
	if !property.New(made.Properties).Equals(property.New(expected)) {
		t.Errorf("%v", made.Properties)
	}
	if len(made.ID) != len("machine")+idDigits || made.ID[:len("machine")] != "machine" {
		t.Errorf("id %s", made.ID)
	}
}
