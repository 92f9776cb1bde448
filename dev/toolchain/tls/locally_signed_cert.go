package main

import (
	"context"
	"crypto/x509"
	"fmt"

	p "github.com/pulumi/pulumi-go-provider"
	"github.com/pulumi/pulumi-go-provider/infer"
)

// LocallySignedCert is tls:index/locallySignedCert:LocallySignedCert.
type LocallySignedCert struct{}

// LocallySignedCertArgs are its inputs.
type LocallySignedCertArgs struct {
	AllowedUses         []string `pulumi:"allowedUses"`
	CaCertPem           string   `pulumi:"caCertPem"`
	CaPrivateKeyPem     string   `pulumi:"caPrivateKeyPem" provider:"secret"`
	CertRequestPem      string   `pulumi:"certRequestPem"`
	ValidityPeriodHours int      `pulumi:"validityPeriodHours"`
	EarlyRenewalHours   *int     `pulumi:"earlyRenewalHours,optional"`
	IsCaCertificate     *bool    `pulumi:"isCaCertificate,optional"`
	MaxPathLength       *int     `pulumi:"maxPathLength,optional"`
	SetSubjectKeyId     *bool    `pulumi:"setSubjectKeyId,optional"`
}

// LocallySignedCertState is what is kept. Only the authority's key is secret.
type LocallySignedCertState struct {
	LocallySignedCertArgs
	Validity
	CaKeyAlgorithm string `pulumi:"caKeyAlgorithm"`
}

// Annotate sets the official token.
func (*LocallySignedCert) Annotate(annotator infer.Annotator) {
	annotator.SetToken("index/locallySignedCert", "LocallySignedCert")
}

// Check refuses unknown uses.
func (*LocallySignedCert) Check(
	ctx context.Context, request infer.CheckRequest,
) (infer.CheckResponse[LocallySignedCertArgs], error) {
	return checked(ctx, request, func(args LocallySignedCertArgs) []p.CheckFailure {
		return checkUses(args.AllowedUses)
	})
}

// WireDependencies keeps the certificate out of the secrets, which a secret key would make of it.
func (*LocallySignedCert) WireDependencies(
	fields infer.FieldSelector, args *LocallySignedCertArgs, state *LocallySignedCertState,
) {
	fields.OutputField(&state.CaPrivateKeyPem).DependsOn(fields.InputField(&args.CaPrivateKeyPem))
	for _, output := range []any{
		&state.CertPem, &state.ReadyForRenewal, &state.ValidityStartTime, &state.ValidityEndTime, &state.CaKeyAlgorithm,
	} {
		fields.OutputField(output).NeverSecret()
	}
}

// Create signs the request with the authority's key.
func (*LocallySignedCert) Create(
	_ context.Context, request infer.CreateRequest[LocallySignedCertArgs],
) (infer.CreateResponse[LocallySignedCertState], error) {
	args := request.Inputs.withDefaults()
	response := infer.CreateResponse[LocallySignedCertState]{
		Output: LocallySignedCertState{LocallySignedCertArgs: args},
	}
	if request.DryRun {
		return response, nil
	}
	key, algorithm, err := parsePrivateKey("caPrivateKeyPem", args.CaPrivateKeyPem)
	if err != nil {
		return response, err
	}
	authority, wanted, err := args.parse()
	if err != nil {
		return response, err
	}
	certificate := &x509.Certificate{
		RawSubject:  wanted.RawSubject,
		DNSNames:    wanted.DNSNames,
		IPAddresses: wanted.IPAddresses,
		URIs:        wanted.URIs,
	}
	response.Output.CaKeyAlgorithm = algorithm
	response.ID, response.Output.Validity, err = issue(args.terms(), certificate, authority, wanted.PublicKey, key)
	return response, err
}

// Diff replaces the certificate at any change but one of the renewal time, and when it is due.
func (*LocallySignedCert) Diff(
	_ context.Context, request infer.DiffRequest[LocallySignedCertArgs, LocallySignedCertState],
) (infer.DiffResponse, error) {
	state, inputs := request.State, request.Inputs.withDefaults()
	return certificateChanges(state.withDefaults(), inputs, state.Validity, *inputs.EarlyRenewalHours), nil
}

// Update takes over a new renewal time.
func (*LocallySignedCert) Update(
	_ context.Context, request infer.UpdateRequest[LocallySignedCertArgs, LocallySignedCertState],
) (infer.UpdateResponse[LocallySignedCertState], error) {
	state := request.State
	state.LocallySignedCertArgs = request.Inputs.withDefaults()
	state.ReadyForRenewal = state.due(*state.EarlyRenewalHours)
	return infer.UpdateResponse[LocallySignedCertState]{Output: state}, nil
}

// Read refreshes the one output that time changes, and notes the defaults in a state that an earlier stand-in wrote.
func (*LocallySignedCert) Read(
	_ context.Context, request infer.ReadRequest[LocallySignedCertArgs, LocallySignedCertState],
) (infer.ReadResponse[LocallySignedCertArgs, LocallySignedCertState], error) {
	state := request.State
	state.LocallySignedCertArgs = state.withDefaults()
	state.ReadyForRenewal = state.due(*state.EarlyRenewalHours)
	return infer.ReadResponse[LocallySignedCertArgs, LocallySignedCertState]{
		ID: request.ID, Inputs: request.Inputs, State: state,
	}, nil
}

// parse reads the authority's certificate and the request, whose own signature has to be right.
func (args LocallySignedCertArgs) parse() (*x509.Certificate, *x509.CertificateRequest, error) {
	block, err := decodePEM("caCertPem", args.CaCertPem)
	if err != nil {
		return nil, nil, err
	}
	authority, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		return nil, nil, fmt.Errorf("caCertPem: %w", err)
	}
	if block, err = decodePEM("certRequestPem", args.CertRequestPem); err != nil {
		return nil, nil, err
	}
	request, err := x509.ParseCertificateRequest(block.Bytes)
	if err != nil {
		return nil, nil, fmt.Errorf("certRequestPem: %w", err)
	}
	if err := request.CheckSignature(); err != nil {
		return nil, nil, fmt.Errorf("certRequestPem: %w", err)
	}
	return authority, request, nil
}

// terms are the inputs that both kinds of certificates share, once they have their defaults.
func (args LocallySignedCertArgs) terms() Terms {
	return Terms{
		AllowedUses:         args.AllowedUses,
		ValidityPeriodHours: args.ValidityPeriodHours,
		EarlyRenewalHours:   *args.EarlyRenewalHours,
		IsCaCertificate:     *args.IsCaCertificate,
		MaxPathLength:       args.MaxPathLength,
		SetSubjectKeyId:     *args.SetSubjectKeyId,
	}
}
