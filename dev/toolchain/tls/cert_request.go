package main

import (
	"context"
	"crypto/rand"
	"crypto/sha1"
	"crypto/x509"
	"encoding/hex"

	p "github.com/pulumi/pulumi-go-provider"
	"github.com/pulumi/pulumi-go-provider/infer"
)

// CertRequest is tls:index/certRequest:CertRequest.
type CertRequest struct{}

// CertRequestArgs are its inputs; a change of any makes a new request.
type CertRequestArgs struct {
	PrivateKeyPem string   `pulumi:"privateKeyPem" provider:"secret"`
	Subject       *Subject `pulumi:"subject,optional"`
	DnsNames      []string `pulumi:"dnsNames,optional"`
	IpAddresses   []string `pulumi:"ipAddresses,optional"`
	Uris          []string `pulumi:"uris,optional"`
}

// CertRequestState is what is kept. Only the key is secret.
type CertRequestState struct {
	CertRequestArgs
	CertRequestPem string `pulumi:"certRequestPem"`
	KeyAlgorithm   string `pulumi:"keyAlgorithm"`
}

// Annotate sets the official token.
func (*CertRequest) Annotate(annotator infer.Annotator) {
	annotator.SetToken("index/certRequest", "CertRequest")
}

// Check reads the inputs; addresses are examined when they are used, because they may be unknown here.
func (*CertRequest) Check(
	ctx context.Context, request infer.CheckRequest,
) (infer.CheckResponse[CertRequestArgs], error) {
	return checked(ctx, request, func(CertRequestArgs) []p.CheckFailure { return nil })
}

// WireDependencies keeps the request itself out of the secrets, which a secret key would make of it.
func (*CertRequest) WireDependencies(fields infer.FieldSelector, args *CertRequestArgs, state *CertRequestState) {
	fields.OutputField(&state.PrivateKeyPem).DependsOn(fields.InputField(&args.PrivateKeyPem))
	fields.OutputField(&state.CertRequestPem).NeverSecret()
	fields.OutputField(&state.KeyAlgorithm).NeverSecret()
}

// Create makes and signs the request. Its id is a hash of it.
func (*CertRequest) Create(
	_ context.Context, request infer.CreateRequest[CertRequestArgs],
) (infer.CreateResponse[CertRequestState], error) {
	response := infer.CreateResponse[CertRequestState]{Output: CertRequestState{CertRequestArgs: request.Inputs}}
	if request.DryRun {
		return response, nil
	}
	state := &response.Output
	key, algorithm, err := parsePrivateKey("privateKeyPem", state.PrivateKeyPem)
	if err != nil {
		return response, err
	}
	addresses, err := parseAddresses(state.IpAddresses)
	if err != nil {
		return response, err
	}
	uris, err := parseURIs(state.Uris)
	if err != nil {
		return response, err
	}
	der, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{
		Subject:     state.Subject.name(),
		DNSNames:    state.DnsNames,
		IPAddresses: addresses,
		URIs:        uris,
	}, key)
	if err != nil {
		return response, err
	}
	state.CertRequestPem, state.KeyAlgorithm = encodePEM("CERTIFICATE REQUEST", der), algorithm
	sum := sha1.Sum(der)
	response.ID = hex.EncodeToString(sum[:])
	return response, nil
}

// Diff replaces the request at any change.
func (*CertRequest) Diff(
	_ context.Context, request infer.DiffRequest[CertRequestArgs, CertRequestState],
) (infer.DiffResponse, error) {
	return replacements(request.State.CertRequestArgs, request.Inputs), nil
}
