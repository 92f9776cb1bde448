package main

// The official provider fills in what is unset and keeps that among a resource's outputs, whatever is made of it: an
// Ed25519 key has a curve and a number of bits, too. A state without them would be replaced by it, key for key.

// orDefault is the value that was given, or a pointer to the default.
func orDefault[T any](given *T, value T) *T {
	if given == nil {
		return &value
	}
	return given
}

// withDefaults is the same key with nothing unset.
func (args PrivateKeyArgs) withDefaults() PrivateKeyArgs {
	args.EcdsaCurve = orDefault(args.EcdsaCurve, defaultCurve)
	args.RsaBits = orDefault(args.RsaBits, defaultBits)
	return args
}

// withDefaults is the same certificate with nothing unset that has a default.
func (args SelfSignedCertArgs) withDefaults() SelfSignedCertArgs {
	args.EarlyRenewalHours = orDefault(args.EarlyRenewalHours, 0)
	args.IsCaCertificate = orDefault(args.IsCaCertificate, false)
	args.SetAuthorityKeyId = orDefault(args.SetAuthorityKeyId, false)
	args.SetSubjectKeyId = orDefault(args.SetSubjectKeyId, false)
	return args
}

// withDefaults is the same certificate with nothing unset that has a default.
func (args LocallySignedCertArgs) withDefaults() LocallySignedCertArgs {
	args.EarlyRenewalHours = orDefault(args.EarlyRenewalHours, 0)
	args.IsCaCertificate = orDefault(args.IsCaCertificate, false)
	args.SetSubjectKeyId = orDefault(args.SetSubjectKeyId, false)
	return args
}
