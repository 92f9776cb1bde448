package main

import (
	"encoding/json"
	"os"

	"github.com/flannel-io/flannel/pkg/ip"
)

type object = map[string]any

// writeCNIConfig writes what flannel's delegate plugin would hand to the bridge plugin: a bridge that is the pods' gateway,
// addresses from this host's subnet, host ports. The file appears whole or not at all; an empty path writes nothing.
func writeCNIConfig(path string, subnet, network ip.IP4Net, mtu int) error {
	if path == "" {
		return nil
	}
	content, err := json.MarshalIndent(object{
		"cniVersion": "1.0.0",
		"name":       "cbr0",
		"plugins": []object{
			{
				"type": "bridge", "bridge": "cni0", "mtu": mtu,
				"isGateway": true, "isDefaultGateway": true, "hairpinMode": true, "ipMasq": false,
				"ipam": object{
					"type":   "host-local",
					"ranges": [][]object{{{"subnet": subnet.String()}}},
					"routes": []object{{"dst": network.String()}},
				},
			},
			{"type": "portmap", "capabilities": object{"portMappings": true}},
		},
	}, "", "  ")
	if err != nil {
		return err
	}
	if err := os.WriteFile(path+".new", append(content, '\n'), 0o644); err != nil {
		return err
	}
	return os.Rename(path+".new", path)
}
