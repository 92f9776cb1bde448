package main

import (
	"crypto"
	"crypto/rand"
	"crypto/sha1"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"fmt"
	"math/big"
	"time"
)

// Terms are what both kinds of certificates have in common.
type Terms struct {
	AllowedUses         []string
	ValidityPeriodHours int
	EarlyRenewalHours   int
	IsCaCertificate     bool
	MaxPathLength       *int
	SetSubjectKeyId     bool
	SetAuthorityKeyId   bool
}

// serialBits is the length of serial numbers: positive and within the 20 bytes of RFC 5280.
const serialBits = 127

// issue signs `certificate` for the public key, with the issuer's certificate, or by itself where that is nil. It
// returns the serial number, which is the resource's id.
func issue(
	terms Terms, certificate, issuer *x509.Certificate, public crypto.PublicKey, signer crypto.Signer,
) (string, Validity, error) {
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), serialBits))
	if err != nil {
		return "", Validity{}, err
	}
	now := time.Now().UTC().Truncate(time.Second)
	certificate.SerialNumber = serial
	certificate.NotBefore = now
	certificate.NotAfter = now.Add(time.Duration(terms.ValidityPeriodHours) * time.Hour)
	certificate.BasicConstraintsValid = true
	addUses(certificate, terms.AllowedUses)
	if err := addAuthority(terms, certificate, public); err != nil {
		return "", Validity{}, err
	}
	if issuer == nil {
		issuer = certificate
	}
	der, err := x509.CreateCertificate(rand.Reader, certificate, issuer, public, signer)
	if err != nil {
		return "", Validity{}, fmt.Errorf("signing the certificate: %w", err)
	}
	validity := Validity{
		CertPem:           encodePEM("CERTIFICATE", der),
		ValidityStartTime: certificate.NotBefore.Format(time.RFC3339),
		ValidityEndTime:   certificate.NotAfter.Format(time.RFC3339),
	}
	validity.ReadyForRenewal = validity.due(terms.EarlyRenewalHours)
	return serial.String(), validity, nil
}

// addAuthority sets the key identifiers and, for an authority, the basic constraints.
func addAuthority(terms Terms, certificate *x509.Certificate, public crypto.PublicKey) error {
	if terms.IsCaCertificate || terms.SetSubjectKeyId {
		der, err := x509.MarshalPKIXPublicKey(public)
		if err != nil {
			return err
		}
		var described struct {
			Algorithm pkix.AlgorithmIdentifier
			Key       asn1.BitString
		}
		if _, err := asn1.Unmarshal(der, &described); err != nil {
			return err
		}
		// The hash of the bare key, as the official provider has it (RFC 5280, section 4.2.1.2).
		sum := sha1.Sum(described.Key.Bytes)
		certificate.SubjectKeyId = sum[:]
	}
	if terms.IsCaCertificate {
		certificate.IsCA = true
		certificate.MaxPathLen = valueOr(terms.MaxPathLength, -1)
		certificate.MaxPathLenZero = certificate.MaxPathLen == 0
	}
	if terms.SetAuthorityKeyId {
		certificate.AuthorityKeyId = certificate.SubjectKeyId
	}
	return nil
}
