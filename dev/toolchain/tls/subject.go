package main

import (
	"crypto/x509/pkix"
	"encoding/asn1"
	"fmt"
	"net"
	"net/url"
)

// Subject is who a certificate is for.
type Subject struct {
	CommonName         *string  `pulumi:"commonName,optional"`
	Country            *string  `pulumi:"country,optional"`
	EmailAddress       *string  `pulumi:"emailAddress,optional"`
	Locality           *string  `pulumi:"locality,optional"`
	Organization       *string  `pulumi:"organization,optional"`
	OrganizationalUnit *string  `pulumi:"organizationalUnit,optional"`
	PostalCode         *string  `pulumi:"postalCode,optional"`
	Province           *string  `pulumi:"province,optional"`
	SerialNumber       *string  `pulumi:"serialNumber,optional"`
	StreetAddresses    []string `pulumi:"streetAddresses,optional"`
}

// emailAddress is the object identifier of PKCS #9, which Go has no field for.
var emailAddress = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 1}

// name is the subject as Go's certificates have it; no subject is an empty name.
func (subject *Subject) name() pkix.Name {
	if subject == nil {
		return pkix.Name{}
	}
	name := pkix.Name{
		CommonName:         valueOr(subject.CommonName, ""),
		SerialNumber:       valueOr(subject.SerialNumber, ""),
		Country:            listOf(subject.Country),
		Locality:           listOf(subject.Locality),
		Organization:       listOf(subject.Organization),
		OrganizationalUnit: listOf(subject.OrganizationalUnit),
		PostalCode:         listOf(subject.PostalCode),
		Province:           listOf(subject.Province),
		StreetAddress:      subject.StreetAddresses,
	}
	if subject.EmailAddress != nil {
		name.ExtraNames = []pkix.AttributeTypeAndValue{{Type: emailAddress, Value: *subject.EmailAddress}}
	}
	return name
}

// listOf is a list of the one value, or none where it is unset or empty.
func listOf(value *string) []string {
	if value == nil || *value == "" {
		return nil
	}
	return []string{*value}
}

// parseAddresses reads IP addresses; an error names the one that is none.
func parseAddresses(texts []string) ([]net.IP, error) {
	var addresses []net.IP
	for _, text := range texts {
		address := net.ParseIP(text)
		if address == nil {
			return nil, fmt.Errorf("ipAddresses: %q is no IP address", text)
		}
		addresses = append(addresses, address)
	}
	return addresses, nil
}

// parseURIs reads URIs; an error names the one that is none.
func parseURIs(texts []string) ([]*url.URL, error) {
	var uris []*url.URL
	for _, text := range texts {
		uri, err := url.Parse(text)
		if err != nil {
			return nil, fmt.Errorf("uris: %w", err)
		}
		uris = append(uris, uri)
	}
	return uris, nil
}
