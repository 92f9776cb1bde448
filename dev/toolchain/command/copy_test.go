package main

import (
	"bytes"
	"crypto/rand"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	p "github.com/pulumi/pulumi-go-provider"
	"github.com/pulumi/pulumi-go-provider/infer"
	"github.com/pulumi/pulumi-go-provider/infer/types"
	presource "github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource/archive"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource/asset"
	"github.com/pulumi/pulumi/sdk/v3/go/property"
)

const copyURN = presource.URN("urn:pulumi:stack::project::command:remote:CopyToRemote::machine-agent")

// newFile is a file of this machine as the engine hands it over: with its digest.
func newFile(t *testing.T, content []byte) *asset.Asset {
	t.Helper()
	path := filepath.Join(t.TempDir(), "agent.pyz")
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	file, err := asset.FromPath(path)
	if err != nil {
		t.Fatal(err)
	}
	return file
}

// copyFor copies a file to the target, through the proxy where there is one.
func copyFor(t *testing.T, target, proxy *testServer, content, remotePath string) CopyArgs {
	t.Helper()
	return CopyArgs{
		Connection: stateFor(t, target, proxy).Connection,
		Source:     types.AssetOrArchive{Asset: newFile(t, []byte(content))},
		RemotePath: remotePath,
	}
}

// newFileServer is an SSH server that takes files.
func newFileServer(t *testing.T) *testServer {
	t.Helper()
	server := newServer(t, echo)
	server.home = t.TempDir()
	return server
}

// content is what a file of the server has.
func (server *testServer) content(t *testing.T, path string) string {
	t.Helper()
	found, err := os.ReadFile(filepath.Join(server.home, path))
	if err != nil {
		t.Fatal(err)
	}
	return string(found)
}

// make creates the resource.
func (args CopyArgs) make(t *testing.T) error {
	t.Helper()
	_, err := new(CopyToRemote).Create(t.Context(), infer.CreateRequest[CopyArgs]{Name: "machine", Inputs: args})
	return err
}

func TestAFileGoesThroughTheProxyIntoNewFolders(t *testing.T) {
	target, proxy := newFileServer(t), newServer(t, echo)
	if err := copyFor(t, target, proxy, "an agent", ".paas/new/agent.pyz").make(t); err != nil {
		t.Fatal(err)
	}
	if found := target.content(t, ".paas/new/agent.pyz"); found != "an agent" || proxy.forwards.Load() != 1 {
		t.Fatalf("%q after %d forwards", found, proxy.forwards.Load())
	}
}

func TestALargeFileArrivesAsItIs(t *testing.T) {
	content := make([]byte, 3_000_001)
	_, _ = rand.Read(content)
	target := newFileServer(t)
	if err := copyFor(t, target, nil, string(content), "large").make(t); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal([]byte(target.content(t, "large")), content) {
		t.Fatal("differs")
	}
}

func TestAnExistingFileIsOverwrittenAndAnExistingFolderGetsTheFile(t *testing.T) {
	target := newFileServer(t)
	for _, content := range []string{"a long content", "short"} {
		if err := copyFor(t, target, nil, content, "file").make(t); err != nil {
			t.Fatal(err)
		}
	}
	if err := copyFor(t, target, nil, "in it", ".").make(t); err != nil {
		t.Fatal(err)
	}
	if file, inside := target.content(t, "file"), target.content(t, "agent.pyz"); file != "short" || inside != "in it" {
		t.Fatalf("%q %q", file, inside)
	}
}

func TestWhatCannotBeWrittenIsAFailure(t *testing.T) {
	target := newFileServer(t)
	if err := copyFor(t, target, nil, "a file", "file").make(t); err != nil {
		t.Fatal(err)
	}
	if err := copyFor(t, target, nil, "below it", "file/below").make(t); err == nil ||
		!strings.Contains(err.Error(), "file/below") {
		t.Fatal(err)
	}
}

func TestAMachineWithoutSFTPIsAFailure(t *testing.T) {
	if err := copyFor(t, newServer(t, echo), nil, "a file", "file").make(t); err == nil {
		t.Fatal("no error")
	}
}

func TestAFileThatIsGoneIsAFailure(t *testing.T) {
	args := copyFor(t, newFileServer(t), nil, "a file", "file")
	_ = os.Remove(args.Source.Asset.Path)
	if err := args.make(t); err == nil || !strings.Contains(err.Error(), args.Source.Asset.Path) {
		t.Fatal(err)
	}
}

func TestAnUpdateCopiesAnotherContentOrToAnotherPlaceOnly(t *testing.T) {
	target := newFileServer(t)
	before := copyFor(t, target, nil, "a file", "place")
	elsewhere := copyFor(t, newFileServer(t), nil, "a file", "place") // on another engineer's machine
	content, place := copyFor(t, target, nil, "another", "place"), copyFor(t, target, nil, "a file", "another")
	for name, expected := range map[string]struct {
		args   CopyArgs
		copies bool
	}{
		"nothing": {before, false}, "connection and path here": {elsewhere, false},
		"content": {content, true}, "place": {place, true},
	} {
		for _, preview := range []bool{true, false} {
			target.accepted.Store(0)
			response, err := new(CopyToRemote).Update(t.Context(), infer.UpdateRequest[CopyArgs, CopyState]{
				State: CopyState{before}, Inputs: expected.args, DryRun: preview,
			})
			if err != nil || response.Output.Source.Asset != expected.args.Source.Asset {
				t.Fatal(err)
			}
			if (target.accepted.Load() != 0) != (expected.copies && !preview) {
				t.Errorf("%s, preview %t: %d logins", name, preview, target.accepted.Load())
			}
		}
	}
	if target.content(t, "place") != "another" || target.content(t, "another") != "a file" {
		t.Error("not copied")
	}
}

func TestAPreviewDialsNobody(t *testing.T) {
	target := newFileServer(t)
	request := infer.CreateRequest[CopyArgs]{Inputs: copyFor(t, target, nil, "a file", "place"), DryRun: true}
	if _, err := new(CopyToRemote).Create(t.Context(), request); err != nil || target.accepted.Load() != 0 {
		t.Fatalf("%v, %d logins", err, target.accepted.Load())
	}
}

// copyInputs are what the engine sends of a copy.
func copyInputs(source property.Value) property.Map {
	given := inputs("").Delete("create", "stdin", "addPreviousOutputInEnv")
	return given.Set("source", source).Set("remotePath", property.New(".paas/agent.pyz"))
}

func TestCheckRefusesWhatIsNoFile(t *testing.T) {
	file := newFile(t, []byte("a file"))
	text, _ := asset.FromText("a text")
	uri, _ := asset.FromURI("https://example.org/file")
	folder, _ := archive.FromPath(filepath.Dir(file.Path))
	for name, source := range map[string]property.Value{
		"": property.New(file), "text": property.New(text), "uri": property.New(uri), "folder": property.New(folder),
	} {
		response, err := provider().Check(t.Context(), p.CheckRequest{Urn: copyURN, Inputs: copyInputs(source)})
		if err != nil || (len(response.Failures) == 0) != (name == "") {
			t.Errorf("%s: %v %v", name, err, response.Failures)
		}
	}
}

func TestContentPlaceAndTriggersAreChangesAndThePathHereIsNone(t *testing.T) {
	state := copyInputs(property.New(newFile(t, []byte("a file"))))
	for name, expected := range map[string]struct {
		given property.Map
		keys  []string
	}{
		// Its folder is another one in each run.
		"path here": {copyInputs(property.New(newFile(t, []byte("a file")))), nil},
		"content":   {copyInputs(property.New(newFile(t, []byte("another")))), []string{"source"}},
		"place":     {state.Set("remotePath", property.New("another")), []string{"remotePath"}},
		// The SDK makes it a replacement.
		"triggers": {
			state.Set("triggers", property.New([]property.Value{property.New("another")})), []string{"triggers[0]"},
		},
	} {
		diff, err := provider().Diff(t.Context(), p.DiffRequest{
			ID: "1f2e3d4c", Urn: copyURN, State: state, Inputs: checked(t, copyURN, expected.given),
		})
		if err != nil {
			t.Fatal(err)
		}
		found := slices.Sorted(maps.Keys(diff.DetailedDiff))
		if !slices.Equal(found, expected.keys) || diff.HasChanges != (len(found) > 0) {
			t.Errorf("%s: %v", name, diff)
		}
	}
}

func TestAStateHoldsTheInputsAndTheDigestInPlaceOfTheContent(t *testing.T) {
	target := newFileServer(t)
	args := copyFor(t, target, nil, "a file", "place")
	host := map[string]property.Value{
		"host": property.New("127.0.0.1"), "port": property.New(*target.port()),
		"privateKey": property.New(*args.Connection.PrivateKey).WithSecret(true),
	}
	given := checked(t, copyURN, property.NewMap(map[string]property.Value{
		"connection": property.New(property.NewMap(host)), "source": property.New(args.Source.Asset),
		"remotePath": property.New(args.RemotePath),
	}))
	made, err := provider().Create(t.Context(), p.CreateRequest{Urn: copyURN, Properties: given})
	if err != nil {
		t.Fatal(err)
	}
	state := sent(t, made.Properties)
	if !property.New(state).Equals(property.New(given)) || !state.Get("connection").Secret() {
		t.Errorf("%v", state)
	}
	source := state.Get("source").AsAsset().Serialize()
	if source["hash"] != args.Source.Asset.Hash || source["path"] != args.Source.Asset.Path || source["text"] != nil {
		t.Errorf("%v", source)
	}
	if len(made.ID) != idDigits || target.content(t, "place") != "a file" {
		t.Errorf("id %s", made.ID)
	}
}
