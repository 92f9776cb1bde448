package main

import (
	"context"
	"crypto/x509"

	p "github.com/pulumi/pulumi-go-provider"
	"github.com/pulumi/pulumi-go-provider/infer"
)

// SelfSignedCert is tls:index/selfSignedCert:SelfSignedCert.
type SelfSignedCert struct{}

// SelfSignedCertArgs are its inputs.
type SelfSignedCertArgs struct {
	AllowedUses         []string `pulumi:"allowedUses"`
	ValidityPeriodHours int      `pulumi:"validityPeriodHours"`
	PrivateKeyPem       string   `pulumi:"privateKeyPem" provider:"secret"`
	DnsNames            []string `pulumi:"dnsNames,optional"`
	EarlyRenewalHours   *int     `pulumi:"earlyRenewalHours,optional"`
	IpAddresses         []string `pulumi:"ipAddresses,optional"`
	IsCaCertificate     *bool    `pulumi:"isCaCertificate,optional"`
	MaxPathLength       *int     `pulumi:"maxPathLength,optional"`
	SetAuthorityKeyId   *bool    `pulumi:"setAuthorityKeyId,optional"`
	SetSubjectKeyId     *bool    `pulumi:"setSubjectKeyId,optional"`
	Subject             *Subject `pulumi:"subject,optional"`
	Uris                []string `pulumi:"uris,optional"`
}

// SelfSignedCertState is what is kept. Only the key is secret.
type SelfSignedCertState struct {
	SelfSignedCertArgs
	Validity
	KeyAlgorithm string `pulumi:"keyAlgorithm"`
}

// Annotate sets the official token.
func (*SelfSignedCert) Annotate(annotator infer.Annotator) {
	annotator.SetToken("index/selfSignedCert", "SelfSignedCert")
}

// Check refuses unknown uses.
func (*SelfSignedCert) Check(
	ctx context.Context, request infer.CheckRequest,
) (infer.CheckResponse[SelfSignedCertArgs], error) {
	return checked(ctx, request, func(args SelfSignedCertArgs) []p.CheckFailure { return checkUses(args.AllowedUses) })
}

// WireDependencies keeps the certificate out of the secrets, which a secret key would make of it.
func (*SelfSignedCert) WireDependencies(
	fields infer.FieldSelector, args *SelfSignedCertArgs, state *SelfSignedCertState,
) {
	fields.OutputField(&state.PrivateKeyPem).DependsOn(fields.InputField(&args.PrivateKeyPem))
	for _, output := range []any{
		&state.CertPem, &state.ReadyForRenewal, &state.ValidityStartTime, &state.ValidityEndTime, &state.KeyAlgorithm,
	} {
		fields.OutputField(output).NeverSecret()
	}
}

// Create makes the certificate and signs it with its own key.
func (*SelfSignedCert) Create(
	_ context.Context, request infer.CreateRequest[SelfSignedCertArgs],
) (infer.CreateResponse[SelfSignedCertState], error) {
	args := request.Inputs.withDefaults()
	response := infer.CreateResponse[SelfSignedCertState]{Output: SelfSignedCertState{SelfSignedCertArgs: args}}
	if request.DryRun {
		return response, nil
	}
	key, algorithm, err := parsePrivateKey("privateKeyPem", args.PrivateKeyPem)
	if err != nil {
		return response, err
	}
	addresses, err := parseAddresses(args.IpAddresses)
	if err != nil {
		return response, err
	}
	uris, err := parseURIs(args.Uris)
	if err != nil {
		return response, err
	}
	certificate := &x509.Certificate{
		Subject:     args.Subject.name(),
		DNSNames:    args.DnsNames,
		IPAddresses: addresses,
		URIs:        uris,
	}
	response.Output.KeyAlgorithm = algorithm
	response.ID, response.Output.Validity, err = issue(args.terms(), certificate, nil, key.Public(), key)
	return response, err
}

// Diff replaces the certificate at any change but one of the renewal time, and when it is due.
func (*SelfSignedCert) Diff(
	_ context.Context, request infer.DiffRequest[SelfSignedCertArgs, SelfSignedCertState],
) (infer.DiffResponse, error) {
	state, inputs := request.State, request.Inputs.withDefaults()
	return certificateChanges(state.withDefaults(), inputs, state.Validity, *inputs.EarlyRenewalHours), nil
}

// Update takes over a new renewal time.
func (*SelfSignedCert) Update(
	_ context.Context, request infer.UpdateRequest[SelfSignedCertArgs, SelfSignedCertState],
) (infer.UpdateResponse[SelfSignedCertState], error) {
	state := request.State
	state.SelfSignedCertArgs = request.Inputs.withDefaults()
	state.ReadyForRenewal = state.due(*state.EarlyRenewalHours)
	return infer.UpdateResponse[SelfSignedCertState]{Output: state}, nil
}

// Read refreshes the one output that time changes, and notes the defaults in a state that an earlier stand-in wrote.
func (*SelfSignedCert) Read(
	_ context.Context, request infer.ReadRequest[SelfSignedCertArgs, SelfSignedCertState],
) (infer.ReadResponse[SelfSignedCertArgs, SelfSignedCertState], error) {
	state := request.State
	state.SelfSignedCertArgs = state.withDefaults()
	state.ReadyForRenewal = state.due(*state.EarlyRenewalHours)
	return infer.ReadResponse[SelfSignedCertArgs, SelfSignedCertState]{
		ID: request.ID, Inputs: request.Inputs, State: state,
	}, nil
}

// terms are the inputs that both kinds of certificates share, once they have their defaults.
func (args SelfSignedCertArgs) terms() Terms {
	return Terms{
		AllowedUses:         args.AllowedUses,
		ValidityPeriodHours: args.ValidityPeriodHours,
		EarlyRenewalHours:   *args.EarlyRenewalHours,
		IsCaCertificate:     *args.IsCaCertificate,
		MaxPathLength:       args.MaxPathLength,
		SetSubjectKeyId:     *args.SetSubjectKeyId,
		SetAuthorityKeyId:   *args.SetAuthorityKeyId,
	}
}
