package main

import (
	"errors"
	"fmt"
	"net"
	"os"

	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/agent"
)

// clientConfig is how to log in: the user, the host key to expect and the keys or passwords to offer. The returned
// function ends the conversation with an SSH agent, where there is one.
func (endpoint *Endpoint) clientConfig() (*ssh.ClientConfig, func(), error) {
	config := &ssh.ClientConfig{User: valueOr(endpoint.User, defaultUser), Timeout: endpoint.dialTimeout()}
	if err := endpoint.verifyHostKey(config); err != nil {
		return nil, nil, err
	}
	if endpoint.PrivateKey != nil {
		signer, err := endpoint.signer()
		if err != nil {
			return nil, nil, err
		}
		config.Auth = append(config.Auth, ssh.PublicKeys(signer))
	}
	if endpoint.Password != nil {
		config.Auth = append(config.Auth, ssh.Password(*endpoint.Password), endpoint.interactive())
	}
	socket := valueOr(endpoint.AgentSocketPath, "")
	if socket == "" && len(config.Auth) == 0 {
		socket = os.Getenv("SSH_AUTH_SOCK")
	}
	if socket == "" {
		return config, func() {}, nil
	}
	connection, err := net.Dial("unix", socket)
	if err != nil {
		return nil, nil, fmt.Errorf("SSH agent: %w", err)
	}
	config.Auth = append(config.Auth, ssh.PublicKeysCallback(agent.NewClient(connection).Signers))
	return config, func() { _ = connection.Close() }, nil
}

// signer reads the private key, which may be encrypted. An error never shows the key.
func (endpoint *Endpoint) signer() (ssh.Signer, error) {
	key := []byte(*endpoint.PrivateKey)
	var signer ssh.Signer
	var err error
	if endpoint.PrivateKeyPassword != nil {
		signer, err = ssh.ParsePrivateKeyWithPassphrase(key, []byte(*endpoint.PrivateKeyPassword))
	} else {
		signer, err = ssh.ParsePrivateKey(key)
	}
	var encrypted *ssh.PassphraseMissingError
	if errors.As(err, &encrypted) {
		return nil, fmt.Errorf("the private key for %s is encrypted and privateKeyPassword is not set", endpoint.Host)
	}
	if err != nil {
		return nil, fmt.Errorf("the private key for %s cannot be read: %w", endpoint.Host, err)
	}
	return signer, nil
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
