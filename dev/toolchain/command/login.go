package main

import (
	"fmt"
	"net"
	"os"

	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/agent"
)

// clientConfig is how to log in: the user, the host key to expect and the keys or passwords to offer.
func (endpoint *Endpoint) clientConfig() (*ssh.ClientConfig, error) {
	config := &ssh.ClientConfig{User: valueOr(endpoint.User, defaultUser), Timeout: endpoint.dialTimeout()}
	if err := endpoint.verifyHostKey(config); err != nil {
		return nil, err
	}
	if endpoint.PrivateKey != nil {
		signer, err := endpoint.signer()
		if err != nil {
			return nil, err
		}
		config.Auth = append(config.Auth, ssh.PublicKeys(signer))
	}
	if endpoint.Password != nil {
		config.Auth = append(config.Auth, ssh.Password(*endpoint.Password), endpoint.interactive())
	}
	// An agent that is here is asked even where there is a key.
	socket := valueOr(endpoint.AgentSocketPath, os.Getenv("SSH_AUTH_SOCK"))
	if socket == "" && endpoint.AgentSocketPath == nil {
		return config, nil
	}
	connection, err := net.Dial("unix", socket)
	if err != nil {
		return nil, err
	}
	config.Auth = append(config.Auth, ssh.PublicKeysCallback(agent.NewClient(connection).Signers))
	return config, nil
}

// verifyHostKey makes `config` accept the expected key only, by its own type's signatures only. Without one, any is
// accepted. A wrong one is a failed attempt as any other.
func (endpoint *Endpoint) verifyHostKey(config *ssh.ClientConfig) error {
	if endpoint.HostKey == nil {
		config.HostKeyCallback = ssh.InsecureIgnoreHostKey()
		return nil
	}
	expected, _, _, _, err := ssh.ParseAuthorizedKey([]byte(*endpoint.HostKey))
	if err != nil {
		return fmt.Errorf("failed to parse host key: %w", err)
	}
	config.HostKeyCallback = ssh.FixedHostKey(expected)
	config.HostKeyAlgorithms = []string{expected.Type()}
	return nil
}

// signer reads the private key, which may be encrypted. An error never shows the key.
func (endpoint *Endpoint) signer() (ssh.Signer, error) {
	key := []byte(*endpoint.PrivateKey)
	if endpoint.PrivateKeyPassword != nil {
		return ssh.ParsePrivateKeyWithPassphrase(key, []byte(*endpoint.PrivateKeyPassword))
	}
	return ssh.ParsePrivateKey(key)
}

// interactive answers every question with the password, for servers that ask that way.
func (endpoint *Endpoint) interactive() ssh.AuthMethod {
	return ssh.KeyboardInteractive(func(_, _ string, questions []string, _ []bool) ([]string, error) {
		answers := make([]string, len(questions))
		for index := range questions {
			answers[index] = *endpoint.Password
		}
		return answers, nil
	})
}
