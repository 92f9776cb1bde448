package main

import (
	"crypto/x509"
	"fmt"

	p "github.com/pulumi/pulumi-go-provider"
)

// keyUses are the allowed uses that are bits of the key usage.
var keyUses = map[string]x509.KeyUsage{
	"digital_signature":  x509.KeyUsageDigitalSignature,
	"content_commitment": x509.KeyUsageContentCommitment,
	"key_encipherment":   x509.KeyUsageKeyEncipherment,
	"data_encipherment":  x509.KeyUsageDataEncipherment,
	"key_agreement":      x509.KeyUsageKeyAgreement,
	"cert_signing":       x509.KeyUsageCertSign,
	"crl_signing":        x509.KeyUsageCRLSign,
	"encipher_only":      x509.KeyUsageEncipherOnly,
	"decipher_only":      x509.KeyUsageDecipherOnly,
}

// extendedUses are the allowed uses that are extended key usages.
var extendedUses = map[string]x509.ExtKeyUsage{
	"any_extended":                      x509.ExtKeyUsageAny,
	"server_auth":                       x509.ExtKeyUsageServerAuth,
	"client_auth":                       x509.ExtKeyUsageClientAuth,
	"code_signing":                      x509.ExtKeyUsageCodeSigning,
	"email_protection":                  x509.ExtKeyUsageEmailProtection,
	"ipsec_end_system":                  x509.ExtKeyUsageIPSECEndSystem,
	"ipsec_tunnel":                      x509.ExtKeyUsageIPSECTunnel,
	"ipsec_user":                        x509.ExtKeyUsageIPSECUser,
	"timestamping":                      x509.ExtKeyUsageTimeStamping,
	"ocsp_signing":                      x509.ExtKeyUsageOCSPSigning,
	"netscape_server_gated_crypto":      x509.ExtKeyUsageNetscapeServerGatedCrypto,
	"microsoft_server_gated_crypto":     x509.ExtKeyUsageMicrosoftServerGatedCrypto,
	"microsoft_commercial_code_signing": x509.ExtKeyUsageMicrosoftCommercialCodeSigning,
	"microsoft_kernel_code_signing":     x509.ExtKeyUsageMicrosoftKernelCodeSigning,
}

// checkUses reports every use that is in neither table.
func checkUses(uses []string) (failures []p.CheckFailure) {
	for _, use := range uses {
		_, plain := keyUses[use]
		_, extended := extendedUses[use]
		if !plain && !extended && use != "" {
			failures = append(failures, p.CheckFailure{
				Property: "allowedUses",
				Reason:   fmt.Sprintf("%q is no known use", use),
			})
		}
	}
	return failures
}

// addUses sets both kinds of uses in a certificate.
func addUses(certificate *x509.Certificate, uses []string) {
	for _, use := range uses {
		certificate.KeyUsage |= keyUses[use]
		if extended, ok := extendedUses[use]; ok {
			certificate.ExtKeyUsage = append(certificate.ExtKeyUsage, extended)
		}
	}
}
