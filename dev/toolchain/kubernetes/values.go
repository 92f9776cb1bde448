package main

import (
	"crypto/rand"
	"encoding/hex"
	"math"
	"reflect"

	"github.com/pulumi/pulumi/sdk/v3/go/property"
)

// largestExact is the largest whole number that a float64 holds exactly; whole numbers below it become integers again.
const largestExact = 1 << 53

// toAny turns a Pulumi value into what JSON libraries work on. Secrets lose their mark, unknown values become nil.
func toAny(value property.Value) any {
	switch {
	case value.IsBool():
		return value.AsBool()
	case value.IsNumber():
		number := value.AsNumber()
		if number == math.Trunc(number) && math.Abs(number) < largestExact {
			return int64(number)
		}
		return number
	case value.IsString():
		return value.AsString()
	case value.IsArray():
		list := []any{}
		for _, element := range value.AsArray().AsSlice() {
			list = append(list, toAny(element))
		}
		return list
	case value.IsMap():
		return mapToAny(value.AsMap())
	case value.IsAsset():
		return value.AsAsset().Text
	}
	return nil
}

// mapToAny is toAny for a map.
func mapToAny(properties property.Map) map[string]any {
	object := map[string]any{}
	for name, value := range properties.AsMap() {
		object[name] = toAny(value)
	}
	return object
}

// fromAny is the way back; it takes what JSON libraries make, with any kind of number.
func fromAny(plain any) property.Value {
	switch plain := plain.(type) {
	case map[string]any:
		properties := map[string]property.Value{}
		for name, value := range plain {
			properties[name] = fromAny(value)
		}
		return property.New(properties)
	case []any:
		list := []property.Value{}
		for _, element := range plain {
			list = append(list, fromAny(element))
		}
		return property.New(list)
	case string:
		return property.New(plain)
	case bool:
		return property.New(plain)
	case nil:
		return property.New(property.Null)
	}
	return property.New(reflect.ValueOf(plain).Convert(reflect.TypeFor[float64]()).Float())
}

// copySecrets marks as secret in `to` whatever is secret at the same path of `from`.
func copySecrets(from, to property.Value) property.Value {
	switch {
	case from.IsMap() && to.IsMap():
		marked := to.AsMap()
		for name, value := range from.AsMap().AsMap() {
			if other, ok := marked.GetOk(name); ok {
				marked = marked.Set(name, copySecrets(value, other))
			}
		}
		to = property.New(marked).WithSecret(to.Secret())
	case from.IsArray() && to.IsArray():
		sources, marked := from.AsArray().AsSlice(), to.AsArray().AsSlice()
		for index := range marked {
			if index < len(sources) {
				marked[index] = copySecrets(sources[index], marked[index])
			}
		}
		to = property.New(marked).WithSecret(to.Secret())
	}
	return to.WithSecret(to.Secret() || from.Secret())
}

// at is the value at a path of names; nothing there is the null value.
func at(properties property.Map, path ...string) property.Value {
	value := property.New(properties)
	for _, name := range path {
		if !value.IsMap() {
			return property.Value{}
		}
		value = value.AsMap().Get(name)
	}
	return value
}

// textAt is the string at a path; anything else is empty.
func textAt(properties property.Map, path ...string) string {
	if value := at(properties, path...); value.IsString() {
		return value.AsString()
	}
	return ""
}

// isSet says whether the property is true.
func isSet(properties property.Map, name string) bool {
	value := properties.Get(name)
	return value.IsBool() && value.AsBool()
}

// mapAt is the map under a name; anything else is an empty one.
func mapAt(properties property.Map, name string) property.Map {
	if value := properties.Get(name); value.IsMap() {
		return value.AsMap()
	}
	return property.Map{}
}

// suffix makes an automatic name unique.
func suffix() string {
	random := make([]byte, 4)
	_, _ = rand.Read(random)
	return hex.EncodeToString(random)
}
