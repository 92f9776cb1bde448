package main

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha1"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"slices"

	p "github.com/pulumi/pulumi-go-provider"
	"github.com/pulumi/pulumi-go-provider/infer"
	"golang.org/x/crypto/ssh"
)

// PrivateKey is tls:index/privateKey:PrivateKey.
type PrivateKey struct{}

// PrivateKeyArgs are its inputs; a change of any makes a new key.
type PrivateKeyArgs struct {
	Algorithm  string  `pulumi:"algorithm"`
	EcdsaCurve *string `pulumi:"ecdsaCurve,optional"`
	RsaBits    *int    `pulumi:"rsaBits,optional"`
}

// PrivateKeyState is what is kept: the key in three forms, all secret, and its public half.
type PrivateKeyState struct {
	PrivateKeyArgs
	PrivateKeyOpenssh          string `pulumi:"privateKeyOpenssh" provider:"secret"`
	PrivateKeyPem              string `pulumi:"privateKeyPem" provider:"secret"`
	PrivateKeyPemPkcs8         string `pulumi:"privateKeyPemPkcs8" provider:"secret"`
	PublicKeyFingerprintMd5    string `pulumi:"publicKeyFingerprintMd5"`
	PublicKeyFingerprintSha256 string `pulumi:"publicKeyFingerprintSha256"`
	PublicKeyOpenssh           string `pulumi:"publicKeyOpenssh"`
	PublicKeyPem               string `pulumi:"publicKeyPem"`
}

// The defaults of the official provider.
const (
	defaultCurve = "P224"
	defaultBits  = 2048
)

var curves = map[string]elliptic.Curve{
	"P224": elliptic.P224(), "P256": elliptic.P256(), "P384": elliptic.P384(), "P521": elliptic.P521(),
}

// Annotate sets the official token.
func (*PrivateKey) Annotate(annotator infer.Annotator) {
	annotator.SetToken("index/privateKey", "PrivateKey")
}

// Check refuses unknown algorithms and curves.
func (*PrivateKey) Check(
	ctx context.Context, request infer.CheckRequest,
) (infer.CheckResponse[PrivateKeyArgs], error) {
	return checked(ctx, request, func(args PrivateKeyArgs) (failures []p.CheckFailure) {
		// An input that is not known yet arrives empty.
		known := []string{"", algorithmRSA, algorithmECDSA, algorithmED25519}
		if !slices.Contains(known, args.Algorithm) {
			failures = append(failures, p.CheckFailure{Property: "algorithm", Reason: "must be RSA, ECDSA or ED25519"})
		}
		if curve := valueOr(args.EcdsaCurve, defaultCurve); curve != "" && curves[curve] == nil {
			failures = append(failures, p.CheckFailure{Property: "ecdsaCurve", Reason: "must be P224, P256, P384 or P521"})
		}
		return failures
	})
}

// Create makes the key. Its id is the SHA-1 of the public key, as the official provider has it.
func (*PrivateKey) Create(
	_ context.Context, request infer.CreateRequest[PrivateKeyArgs],
) (infer.CreateResponse[PrivateKeyState], error) {
	response := infer.CreateResponse[PrivateKeyState]{
		Output: PrivateKeyState{PrivateKeyArgs: request.Inputs.withDefaults()},
	}
	if request.DryRun {
		return response, nil
	}
	state := &response.Output
	key, err := state.generate()
	if err != nil {
		return response, err
	}
	der, err := x509.MarshalPKIXPublicKey(key.Public())
	if err != nil {
		return response, err
	}
	state.PublicKeyPem = encodePEM("PUBLIC KEY", der)
	sum := sha1.Sum(der)
	response.ID = hex.EncodeToString(sum[:])
	return response, state.addOpenSSH(key)
}

// Diff replaces the key at any change.
func (*PrivateKey) Diff(
	_ context.Context, request infer.DiffRequest[PrivateKeyArgs, PrivateKeyState],
) (infer.DiffResponse, error) {
	return replacements(request.State.withDefaults(), request.Inputs.withDefaults()), nil
}

// Read notes the defaults in a state that an earlier stand-in wrote.
func (*PrivateKey) Read(
	_ context.Context, request infer.ReadRequest[PrivateKeyArgs, PrivateKeyState],
) (infer.ReadResponse[PrivateKeyArgs, PrivateKeyState], error) {
	state := request.State
	state.PrivateKeyArgs = state.withDefaults()
	return infer.ReadResponse[PrivateKeyArgs, PrivateKeyState]{
		ID: request.ID, Inputs: request.Inputs, State: state,
	}, nil
}

// generate makes a key of the wanted kind and notes its PEM forms.
func (state *PrivateKeyState) generate() (key crypto.Signer, err error) {
	var der []byte
	switch state.Algorithm {
	case algorithmRSA:
		var made *rsa.PrivateKey
		if made, err = rsa.GenerateKey(rand.Reader, *state.RsaBits); err != nil {
			return nil, err
		}
		key, state.PrivateKeyPem = made, encodePEM("RSA PRIVATE KEY", x509.MarshalPKCS1PrivateKey(made))
	case algorithmECDSA:
		var made *ecdsa.PrivateKey
		if made, err = ecdsa.GenerateKey(curves[*state.EcdsaCurve], rand.Reader); err != nil {
			return nil, err
		}
		if der, err = x509.MarshalECPrivateKey(made); err != nil {
			return nil, err
		}
		key, state.PrivateKeyPem = made, encodePEM("EC PRIVATE KEY", der)
	default:
		if _, key, err = ed25519.GenerateKey(rand.Reader); err != nil {
			return nil, err
		}
	}
	if der, err = x509.MarshalPKCS8PrivateKey(key); err != nil {
		return nil, err
	}
	state.PrivateKeyPemPkcs8 = encodePEM("PRIVATE KEY", der)
	if state.PrivateKeyPem == "" { // Ed25519 has no older form
		state.PrivateKeyPem = state.PrivateKeyPemPkcs8
	}
	return key, nil
}

// addOpenSSH notes the OpenSSH forms and fingerprints; they stay empty for P224, which OpenSSH does not have.
func (state *PrivateKeyState) addOpenSSH(key crypto.Signer) error {
	public, err := ssh.NewPublicKey(key.Public())
	if err != nil {
		return nil //nolint:nilerr // P224: as the official provider
	}
	block, err := ssh.MarshalPrivateKey(key, "")
	if err != nil {
		return err
	}
	state.PrivateKeyOpenssh = string(pem.EncodeToMemory(block))
	state.PublicKeyOpenssh = string(ssh.MarshalAuthorizedKey(public))
	state.PublicKeyFingerprintMd5 = ssh.FingerprintLegacyMD5(public)
	state.PublicKeyFingerprintSha256 = ssh.FingerprintSHA256(public)
	return nil
}
