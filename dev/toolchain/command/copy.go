package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"

	"github.com/pkg/sftp"
	p "github.com/pulumi/pulumi-go-provider"
	"github.com/pulumi/pulumi-go-provider/infer"
	"github.com/pulumi/pulumi-go-provider/infer/types"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
)

// CopyToRemote is command:remote:CopyToRemote: a file that is copied to a machine when the resource is made, and when
// its content or its place changes. Nothing removes it.
type CopyToRemote struct{}

// CopyArgs are the inputs of a copy, and all that is kept. A change of the triggers replaces it.
type CopyArgs struct {
	Connection *Connection          `pulumi:"connection" provider:"secret"`
	Source     types.AssetOrArchive `pulumi:"source"`
	RemotePath string               `pulumi:"remotePath"`
	Triggers   *[]any               `pulumi:"triggers,optional" provider:"replaceOnChanges"`
}

// CopyState is what is kept.
type CopyState struct{ CopyArgs }

// Annotate sets the official token.
func (*CopyToRemote) Annotate(annotator infer.Annotator) {
	annotator.SetToken("remote", "CopyToRemote")
}

// Check refuses what is not a file of this machine; the official provider takes folders, archives and texts too.
func (*CopyToRemote) Check(
	ctx context.Context, request infer.CheckRequest,
) (infer.CheckResponse[CopyArgs], error) {
	inputs, failures, err := infer.DefaultCheck[CopyArgs](ctx, request.NewInputs)
	if err == nil && (inputs.Source.Asset == nil || !inputs.Source.Asset.IsPath()) {
		failures = append(failures, p.CheckFailure{
			Property: "source", Reason: "the stand-in for the command provider copies a FileAsset with a path only",
		})
	}
	return infer.CheckResponse[CopyArgs]{Inputs: inputs, Failures: failures}, err
}

// Create copies the file.
func (*CopyToRemote) Create(
	ctx context.Context, request infer.CreateRequest[CopyArgs],
) (infer.CreateResponse[CopyState], error) {
	response := infer.CreateResponse[CopyState]{Output: CopyState{request.Inputs}}
	if request.DryRun {
		return response, nil
	}
	if err := request.Inputs.copy(ctx); err != nil {
		return response, err
	}
	var err error
	response.ID, err = resource.NewUniqueHex("", idDigits, 0)
	return response, err
}

// Update copies the file where it has another content or another place than before.
func (*CopyToRemote) Update(
	ctx context.Context, request infer.UpdateRequest[CopyArgs, CopyState],
) (infer.UpdateResponse[CopyState], error) {
	response := infer.UpdateResponse[CopyState]{Output: CopyState{request.Inputs}}
	isThere := request.Inputs.Source.Asset.Hash == request.State.Source.Asset.Hash &&
		request.Inputs.RemotePath == request.State.RemotePath
	if request.DryRun || isThere {
		return response, nil
	}
	return response, request.Inputs.copy(ctx)
}

// copy logs in and sends the file by SFTP, in requests that do not wait for one another.
func (args *CopyArgs) copy(ctx context.Context) error {
	login, err := dial(ctx, args.Connection)
	if err != nil {
		return err
	}
	defer func() { _ = login.Close() }()
	client, err := sftp.NewClient(login, sftp.UseConcurrentWrites(true))
	if err != nil {
		return err
	}
	defer func() { _ = client.Close() }()
	return upload(client, args.Source.Asset.Path, args.RemotePath)
}

// upload writes the file `source` as `target`, or into it where that is a folder. Folders on the way are made. A file
// that is there already is overwritten in place, and stays cut off where the connection is lost.
func upload(client *sftp.Client, source, target string) error {
	file, err := os.Open(source)
	if err != nil {
		return err
	}
	defer func() { _ = file.Close() }()
	there, err := client.Stat(target)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		if err := client.MkdirAll(path.Dir(target)); err != nil {
			return fmt.Errorf("failed to make the folder of remote file %s: %w", target, err)
		}
	case err != nil:
		return fmt.Errorf("failed to stat remote path %s: %w", target, err)
	case there.IsDir():
		target = path.Join(target, filepath.Base(source))
	}
	written, err := client.Create(target)
	if err != nil {
		return fmt.Errorf("failed to create remote file %s: %w", target, err)
	}
	defer func() { _ = written.Close() }()
	if _, err := written.ReadFrom(file); err != nil {
		return fmt.Errorf("failed to copy file %s to remote path %s: %w", source, target, err)
	}
	return nil
}
