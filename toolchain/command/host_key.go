package main

import (
	"fmt"
	"net"
	"strings"

	p "github.com/pulumi/pulumi-go-provider"
	"golang.org/x/crypto/ssh"
)

// hostKeyError says that another machine than the expected one answers. Dialing again would not help, and may tell
// secrets to whoever it is.
type hostKeyError struct{ message string }

// Error is the message.
func (err *hostKeyError) Error() string { return err.message }

// parseHostKey reads a public key as a line of authorized_keys has it.
func parseHostKey(text string) (ssh.PublicKey, error) {
	key, _, _, _, err := ssh.ParseAuthorizedKey([]byte(text))
	if err != nil {
		return nil, fmt.Errorf("no public key in the form \"ssh-ed25519 AAAA...\": %w", err)
	}
	return key, nil
}

// checkHostKey reports a host key that cannot be read; one that is unset or not known yet is fine.
func checkHostKey(property string, text *string) []p.CheckFailure {
	if valueOr(text, "") == "" {
		return nil
	}
	if _, err := parseHostKey(*text); err != nil {
		return []p.CheckFailure{{Property: property, Reason: err.Error()}}
	}
	return nil
}

// verifyHostKey makes `config` accept the expected key only. Without one, any is accepted, as by the official provider.
func (endpoint *Endpoint) verifyHostKey(config *ssh.ClientConfig) error {
	if endpoint.HostKey == nil {
		config.HostKeyCallback = ssh.InsecureIgnoreHostKey()
		return nil
	}
	expected, err := parseHostKey(*endpoint.HostKey)
	if err != nil {
		return fmt.Errorf("host key of %s: %w", endpoint.Host, err)
	}
	config.HostKeyAlgorithms = algorithmsOf(expected)
	config.HostKeyCallback = func(_ string, _ net.Addr, offered ssh.PublicKey) error {
		if string(offered.Marshal()) == string(expected.Marshal()) {
			return nil
		}
		return &hostKeyError{fmt.Sprintf("%s has the host key %s, but %s is expected: another machine answers there",
			endpoint.Host, ssh.FingerprintSHA256(offered), ssh.FingerprintSHA256(expected))}
	}
	return nil
}

// algorithmsOf lists the signatures of a key's type: a machine with several host keys must show the expected one.
func algorithmsOf(key ssh.PublicKey) []string {
	if key.Type() == ssh.KeyAlgoRSA {
		return []string{ssh.KeyAlgoRSASHA512, ssh.KeyAlgoRSASHA256, ssh.KeyAlgoRSA}
	}
	return []string{key.Type()}
}

// withoutExpectedKey recognises the handshake of a machine that has no host key of the expected type at all.
func (endpoint *Endpoint) withoutExpectedKey(err error) error {
	if err == nil || endpoint.HostKey == nil || !strings.Contains(err.Error(), "no common algorithm for host key") {
		return err
	}
	expected, parseErr := parseHostKey(*endpoint.HostKey)
	if parseErr != nil {
		return err
	}
	return &hostKeyError{fmt.Sprintf("%s has no %s host key, but %s is expected: another machine answers there",
		endpoint.Host, expected.Type(), ssh.FingerprintSHA256(expected))}
}
