package main

import (
	"maps"
	"slices"
	"testing"

	p "github.com/pulumi/pulumi-go-provider"
	presource "github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/pulumi/pulumi/sdk/v3/go/property"
)

// The states of one resource of each kind are made here as the official provider, a Terraform bridge, writes them.

// values are properties by their names.
type values = map[string]property.Value

func word(text string) property.Value     { return property.New(text) }
func number(value float64) property.Value { return property.New(value) }
func flag(value bool) property.Value      { return property.New(value) }
func list(texts ...string) property.Value {
	var elements []property.Value
	for _, text := range texts {
		elements = append(elements, property.New(text))
	}
	return property.New(elements)
}

// kind is one of the four resources: its token, what the program asks for, and the defaults that the official provider
// adds to its outputs.
type kind struct {
	token    string
	inputs   values
	defaults values
}

// kinds makes one of each from real keys, so that they can be made, too.
func kinds(t *testing.T) map[string]kind {
	t.Helper()
	key := makeKey(t, PrivateKeyArgs{Algorithm: "ECDSA", EcdsaCurve: pointer("P256")})
	authority := makeAuthority(t, key.PrivateKeyPem)
	request := create(t, kind{token: "tls:index/certRequest:CertRequest", inputs: values{
		"privateKeyPem": word(key.PrivateKeyPem).WithSecret(true),
	}})
	subject := property.New(values{"commonName": word("etcd-0")})
	return map[string]kind{
		"ed25519": {
			token: "tls:index/privateKey:PrivateKey", inputs: values{"algorithm": word("ED25519")},
			defaults: values{"ecdsaCurve": word("P224"), "rsaBits": number(2048)},
		},
		"p256": {
			token:    "tls:index/privateKey:PrivateKey",
			inputs:   values{"algorithm": word("ECDSA"), "ecdsaCurve": word("P256")},
			defaults: values{"rsaBits": number(2048)},
		},
		"request": {token: "tls:index/certRequest:CertRequest", inputs: values{
			"privateKeyPem": word(key.PrivateKeyPem).WithSecret(true), "subject": subject, "dnsNames": list("localhost"),
		}},
		"authority": {
			token: "tls:index/selfSignedCert:SelfSignedCert",
			inputs: values{
				"allowedUses": list("cert_signing"), "validityPeriodHours": number(87600), "subject": subject,
				"privateKeyPem":   word(key.PrivateKeyPem).WithSecret(true),
				"isCaCertificate": flag(true),
			},
			defaults: values{
				"earlyRenewalHours": number(0), "setSubjectKeyId": flag(false), "setAuthorityKeyId": flag(false),
			},
		},
		"self-signed": {
			token: "tls:index/selfSignedCert:SelfSignedCert",
			inputs: values{
				"allowedUses": list("server_auth"), "validityPeriodHours": number(10),
				"privateKeyPem": word(key.PrivateKeyPem).WithSecret(true),
			},
			defaults: values{
				"earlyRenewalHours": number(0), "isCaCertificate": flag(false), "setSubjectKeyId": flag(false),
				"setAuthorityKeyId": flag(false),
			},
		},
		"leaf": {
			token: "tls:index/locallySignedCert:LocallySignedCert",
			inputs: values{
				"allowedUses": list("server_auth"), "validityPeriodHours": number(10),
				"caCertPem": word(authority.CertPem), "caPrivateKeyPem": word(key.PrivateKeyPem).WithSecret(true),
				"certRequestPem": request.Get("certRequestPem"),
			},
			defaults: values{
				"earlyRenewalHours": number(0), "isCaCertificate": flag(false), "setSubjectKeyId": flag(false),
			},
		},
	}
}

// urn is where a resource of the kind stands in a stack.
func (kind kind) urn() presource.URN {
	return presource.URN("urn:pulumi:stack::project::" + kind.token + "::name")
}

// create asks the whole provider for a resource, as the engine does.
func create(t *testing.T, kind kind) property.Map {
	t.Helper()
	made, err := provider().Create(t.Context(), p.CreateRequest{Urn: kind.urn(), Properties: property.NewMap(kind.inputs)})
	if err != nil {
		t.Fatal(err)
	}
	return made.Properties
}

// noted are properties with the notes of the official provider among them.
func noted(properties property.Map) property.Map {
	marks := values{
		"__defaults": property.New([]property.Value{}), "__meta": word(`{"schema_version":"0"}`),
		"__pulumi_raw_state_delta": property.New(values{"obj": property.New(values{"ps": property.New(values{})})}),
	}
	result := maps.Collect(properties.All)
	maps.Copy(result, marks)
	result["id"] = word("2c8a5f")
	if subject, ok := result["subject"]; ok {
		fields := subject.AsMap().Set("__defaults", marks["__defaults"])
		result["subject"] = property.WithGoValue(subject, fields)
	}
	return property.NewMap(result)
}

// changes are the properties in which what the program asks for differs from a state.
func changes(t *testing.T, kind kind, state property.Map) []string {
	t.Helper()
	diff, err := provider().Diff(t.Context(), p.DiffRequest{
		ID: "2c8a5f", Urn: kind.urn(), State: state, Inputs: property.NewMap(kind.inputs),
	})
	if err != nil {
		t.Fatal(err)
	}
	return slices.Sorted(maps.Keys(diff.DetailedDiff))
}

// without is a state as earlier stand-ins wrote it, without any default.
func (kind kind) without(state property.Map) property.Map {
	return state.Delete(slices.Collect(maps.Keys(kind.defaults))...)
}

func TestStatesHoldEveryDefaultOfTheOfficialProvider(t *testing.T) {
	for name, kind := range kinds(t) {
		state := create(t, kind)
		for property, expected := range kind.defaults {
			// Equality includes that it is no secret.
			if got, ok := state.GetOk(property); !ok || !got.Equals(expected) {
				t.Errorf("%s: %s is %v, not %v", name, property, got, expected)
			}
		}
		for property, given := range kind.inputs {
			if got := state.Get(property); !got.Equals(given) {
				t.Errorf("%s: %s is %v, not %v", name, property, got, given)
			}
		}
	}
}

func TestStatesOfTheOfficialProviderAreReadWithoutAChange(t *testing.T) {
	for name, kind := range kinds(t) {
		if found := changes(t, kind, noted(create(t, kind))); len(found) != 0 {
			t.Errorf("%s changes: %v", name, found)
		}
	}
}

func TestStatesOfEarlierStandInsAreReadWithoutAChange(t *testing.T) {
	for name, kind := range kinds(t) {
		before := kind.without(create(t, kind))
		if found := changes(t, kind, before); len(found) != 0 {
			t.Errorf("%s changes: %v", name, found)
		}
		// A default that the program writes out is as good as none.
		written := kind
		written.inputs = maps.Clone(kind.inputs)
		maps.Copy(written.inputs, kind.defaults)
		if found := changes(t, written, before); len(found) != 0 {
			t.Errorf("%s with its defaults written out changes: %v", name, found)
		}
	}
}

func TestAnotherCurveIsAnotherKey(t *testing.T) {
	kind := kinds(t)["ed25519"]
	state := noted(create(t, kind))
	kind.inputs = values{"algorithm": word("ED25519"), "ecdsaCurve": word("P384")}
	if found := changes(t, kind, state); !slices.Equal(found, []string{"ecdsaCurve"}) {
		t.Error(found)
	}
}

func TestRefreshAddsTheDefaultsAndNothingElse(t *testing.T) {
	for name, kind := range kinds(t) {
		complete := create(t, kind)
		for form, state := range map[string]property.Map{
			"an earlier stand-in": kind.without(complete), "the official provider": noted(complete),
		} {
			expected := maps.Collect(state.All)
			maps.Copy(expected, kind.defaults)
			inputs := noted(property.NewMap(kind.inputs))
			read, err := provider().Read(t.Context(), p.ReadRequest{
				ID: "2c8a5f", Urn: kind.urn(), Properties: state, Inputs: inputs,
			})
			if err != nil {
				t.Fatal(name, form, err)
			}
			if !property.New(read.Properties).Equals(property.New(property.NewMap(expected))) {
				t.Errorf("%s of %s: %v", name, form, read.Properties)
			}
			if !property.New(read.Inputs).Equals(property.New(inputs)) || read.ID != "2c8a5f" {
				t.Errorf("%s of %s: other inputs or another id: %v", name, form, read.Inputs)
			}
		}
	}
}

func TestUpdateOfAStateOfTheOfficialProvider(t *testing.T) {
	kind := kinds(t)["leaf"]
	complete := create(t, kind)
	inputs := property.NewMap(kind.inputs).Set("earlyRenewalHours", number(2))
	updated, err := provider().Update(t.Context(), p.UpdateRequest{
		ID: "2c8a5f", Urn: kind.urn(), State: noted(complete), Inputs: inputs,
	})
	if err != nil {
		t.Fatal(err)
	}
	if !updated.Properties.Get("earlyRenewalHours").Equals(number(2)) ||
		!updated.Properties.Get("certPem").Equals(complete.Get("certPem")) ||
		!updated.Properties.Get("isCaCertificate").Equals(flag(false)) {
		t.Errorf("%v", updated.Properties)
	}
}
