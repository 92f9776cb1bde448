package main

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
)

// The names of algorithms, as inputs and outputs have them.
const (
	algorithmRSA     = "RSA"
	algorithmECDSA   = "ECDSA"
	algorithmED25519 = "ED25519"
)

// encodePEM wraps DER in a PEM block of the given type.
func encodePEM(blockType string, der []byte) string {
	return string(pem.EncodeToMemory(&pem.Block{Type: blockType, Bytes: der}))
}

// decodePEM returns the DER of the first block; `property` names the input in an error.
func decodePEM(property, text string) (*pem.Block, error) {
	block, _ := pem.Decode([]byte(text))
	if block == nil {
		return nil, fmt.Errorf("%s holds no PEM block", property)
	}
	return block, nil
}

// parsePrivateKey reads a key in any of the three usual forms and names its algorithm. Errors never show the text.
func parsePrivateKey(property, text string) (crypto.Signer, string, error) {
	block, err := decodePEM(property, text)
	if err != nil {
		return nil, "", err
	}
	var key any
	switch block.Type {
	case "RSA PRIVATE KEY":
		key, err = x509.ParsePKCS1PrivateKey(block.Bytes)
	case "EC PRIVATE KEY":
		key, err = x509.ParseECPrivateKey(block.Bytes)
	case "PRIVATE KEY":
		key, err = x509.ParsePKCS8PrivateKey(block.Bytes)
	default:
		err = fmt.Errorf("a PEM block of type %q", block.Type)
	}
	if err != nil {
		return nil, "", fmt.Errorf("%s is no usable private key: %w", property, err)
	}
	switch key := key.(type) {
	case *rsa.PrivateKey:
		return key, algorithmRSA, nil
	case *ecdsa.PrivateKey:
		return key, algorithmECDSA, nil
	case ed25519.PrivateKey:
		return key, algorithmED25519, nil
	}
	return nil, "", errors.New(property + " is of an unknown algorithm")
}
