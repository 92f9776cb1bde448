// Command object-store serves a folder as an S3 store: `rclone serve s3`, with nothing of rclone but that.
//
// A stand-in for the store of a site. The folders in the folder are the buckets. It is a main of our own for two reasons: rclone
// with all its clients takes several times as long to compile, and its command takes the secret key as an argument or from
// the environment, where other processes of the machine see it. This one reads it, like all else, from a file.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"

	_ "github.com/rclone/rclone/backend/local"
	_ "github.com/rclone/rclone/cmd/serve/s3"
	"github.com/rclone/rclone/fs/rc"
)

// settings is the content of the file.
type settings struct {
	Listen    string `json:"listen"` // address:port
	Folder    string `json:"folder"`
	AccessKey string `json:"accessKey"`
	SecretKey string `json:"secretKey"`
}

func read(path string) (settings, error) {
	var read settings
	content, err := os.ReadFile(path)
	if err != nil {
		return read, err
	}
	if err := json.Unmarshal(content, &read); err != nil {
		return read, fmt.Errorf("%s: %w", path, err)
	}
	if read.AccessKey == "" || read.SecretKey == "" {
		return read, fmt.Errorf("%s: without keys the store would be open to everyone", path)
	}
	return read, nil
}

// serve starts the server, which goes on by itself.
func serve(store settings) error {
	// What `rclone rc serve/start` calls; parameters are the flags of `rclone serve s3`.
	_, err := rc.Calls.Get("serve/start").Fn(context.Background(), rc.Params{
		"type":     "s3",
		"fs":       store.Folder,
		"addr":     store.Listen,
		"auth_key": []string{store.AccessKey + "," + store.SecretKey},
		// What another program puts into the folder, or takes out of it, is soon seen. At 0 the server looks without a pause (1.76.0).
		"dir_cache_time": "1s",
	})
	return err
}

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: object-store FILE")
		os.Exit(2)
	}
	store, err := read(os.Args[1])
	if err == nil {
		err = serve(store)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Printf("%s is served at http://%s\n", store.Folder, store.Listen)
	select {}
}
