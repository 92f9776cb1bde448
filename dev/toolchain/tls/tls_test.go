package main

import (
	"context"
	"crypto/x509"
	"encoding/pem"
	"slices"
	"strings"
	"testing"
	"time"

	p "github.com/pulumi/pulumi-go-provider"
	"github.com/pulumi/pulumi-go-provider/infer"
	"golang.org/x/crypto/ssh"
)

func pointer[T any](value T) *T { return &value }

func makeKey(t *testing.T, args PrivateKeyArgs) PrivateKeyState {
	t.Helper()
	response, err := new(PrivateKey).Create(context.Background(), infer.CreateRequest[PrivateKeyArgs]{Inputs: args})
	if err != nil {
		t.Fatal(err)
	}
	return response.Output
}

func makeAuthority(t *testing.T, key string) SelfSignedCertState {
	t.Helper()
	response, err := new(SelfSignedCert).Create(context.Background(), infer.CreateRequest[SelfSignedCertArgs]{
		Inputs: SelfSignedCertArgs{
			PrivateKeyPem:       key,
			Subject:             &Subject{CommonName: pointer("test authority")},
			AllowedUses:         []string{"cert_signing", "crl_signing", "digital_signature"},
			ValidityPeriodHours: 100,
			IsCaCertificate:     pointer(true),
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	return response.Output
}

func parse(t *testing.T, text string) *x509.Certificate {
	t.Helper()
	block, _ := pem.Decode([]byte(text))
	certificate, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	return certificate
}

func TestSignedCertificateVerifies(t *testing.T) {
	kinds := map[string]PrivateKeyArgs{
		"RSA":     {Algorithm: "RSA", RsaBits: pointer(2048)},
		"ECDSA":   {Algorithm: "ECDSA", EcdsaCurve: pointer("P256")},
		"ED25519": {Algorithm: "ED25519"},
	}
	for name, kind := range kinds {
		t.Run(name, func(t *testing.T) {
			authorityKey := makeKey(t, kind)
			authority := makeAuthority(t, authorityKey.PrivateKeyPem)
			request, err := new(CertRequest).Create(t.Context(), infer.CreateRequest[CertRequestArgs]{
				Inputs: CertRequestArgs{
					PrivateKeyPem: makeKey(t, kind).PrivateKeyPem,
					Subject:       &Subject{CommonName: pointer("etcd-0"), Organization: pointer("system:masters")},
					DnsNames:      []string{"localhost"},
					IpAddresses:   []string{"10.0.0.5", "::1"},
				},
			})
			if err != nil {
				t.Fatal(err)
			}
			signed, err := new(LocallySignedCert).Create(t.Context(), infer.CreateRequest[LocallySignedCertArgs]{
				Inputs: LocallySignedCertArgs{
					AllowedUses:         []string{"digital_signature", "key_encipherment", "server_auth", "client_auth"},
					CaCertPem:           authority.CertPem,
					CaPrivateKeyPem:     authorityKey.PrivateKeyPem,
					CertRequestPem:      request.Output.CertRequestPem,
					ValidityPeriodHours: 10,
				},
			})
			if err != nil {
				t.Fatal(err)
			}
			certificate := parse(t, signed.Output.CertPem)
			roots := x509.NewCertPool()
			roots.AddCert(parse(t, authority.CertPem))
			for _, host := range []string{"localhost", "10.0.0.5", "::1"} {
				if _, err := certificate.Verify(x509.VerifyOptions{
					Roots: roots, DNSName: host, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
				}); err != nil {
					t.Errorf("%s: %v", host, err)
				}
			}
			wanted := x509.KeyUsageDigitalSignature | x509.KeyUsageKeyEncipherment
			if certificate.KeyUsage != wanted || certificate.IsCA {
				t.Errorf("uses %v, authority %v", certificate.KeyUsage, certificate.IsCA)
			}
			if certificate.Subject.CommonName != "etcd-0" ||
				!slices.Equal(certificate.Subject.Organization, []string{"system:masters"}) {
				t.Errorf("subject %s", certificate.Subject)
			}
			if certificate.NotAfter.Sub(certificate.NotBefore) != 10*time.Hour {
				t.Errorf("valid from %s to %s", certificate.NotBefore, certificate.NotAfter)
			}
		})
	}
}

func TestKeyHasAllItsForms(t *testing.T) {
	key := makeKey(t, PrivateKeyArgs{Algorithm: "ED25519"})
	signer, err := ssh.ParsePrivateKey([]byte(key.PrivateKeyOpenssh))
	if err != nil {
		t.Fatal(err)
	}
	if string(ssh.MarshalAuthorizedKey(signer.PublicKey())) != key.PublicKeyOpenssh {
		t.Error("the OpenSSH forms differ")
	}
	if ssh.FingerprintSHA256(signer.PublicKey()) != key.PublicKeyFingerprintSha256 {
		t.Error("the fingerprint is of another key")
	}
	for _, text := range []string{key.PrivateKeyPem, key.PrivateKeyPemPkcs8} {
		if _, algorithm, err := parsePrivateKey("test", text); err != nil || algorithm != "ED25519" {
			t.Errorf("%s %v", algorithm, err)
		}
	}
}

func TestOnlyTheRenewalTimeChangesInPlace(t *testing.T) {
	before := SelfSignedCertArgs{AllowedUses: []string{"server_auth"}, ValidityPeriodHours: 10}
	fresh := Validity{ValidityEndTime: time.Now().Add(10 * time.Hour).Format(time.RFC3339)}
	earlier, longer := before, before
	earlier.EarlyRenewalHours = pointer(2)
	longer.ValidityPeriodHours = 20
	for name, expected := range map[string]struct {
		after SelfSignedCertArgs
		kind  p.DiffKind
	}{"earlyRenewalHours": {earlier, p.Update}, "validityPeriodHours": {longer, p.UpdateReplace}} {
		after := expected.after.withDefaults()
		diff := certificateChanges(before.withDefaults(), after, fresh, *after.EarlyRenewalHours)
		if len(diff.DetailedDiff) != 1 || diff.DetailedDiff[name].Kind != expected.kind {
			t.Errorf("%s: %v", name, diff.DetailedDiff)
		}
	}
	if diff := certificateChanges(before, before, fresh, 0); diff.HasChanges {
		t.Errorf("changes without a change: %v", diff.DetailedDiff)
	}
}

func TestDueCertificateIsReplaced(t *testing.T) {
	args := SelfSignedCertArgs{EarlyRenewalHours: pointer(5)}
	validity := Validity{ValidityEndTime: time.Now().Add(4 * time.Hour).Format(time.RFC3339)}
	diff := certificateChanges(args, args, validity, *args.EarlyRenewalHours)
	if diff.DetailedDiff["readyForRenewal"].Kind != p.UpdateReplace {
		t.Fatalf("%v", diff.DetailedDiff)
	}
}

func TestBadInputIsNamedAndNeverShown(t *testing.T) {
	if failures := checkUses([]string{"server_auth", "world_domination"}); len(failures) != 1 {
		t.Errorf("%v", failures)
	}
	if _, err := parseAddresses([]string{"10.0.0.300"}); err == nil || !strings.Contains(err.Error(), "10.0.0.300") {
		t.Error(err)
	}
	_, _, err := parsePrivateKey("privateKeyPem", "-----BEGIN PRIVATE KEY-----\nc2VjcmV0\n-----END PRIVATE KEY-----\n")
	if err == nil || !strings.Contains(err.Error(), "privateKeyPem") || strings.Contains(err.Error(), "c2VjcmV0") {
		t.Error(err)
	}
}
