package containers

import (
	"archive/tar"
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"debug/elf"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"slices"

	"github.com/containerd/errdefs"
	"github.com/testcontainers/testcontainers-go"
)

// repository is the name of the images that are built here.
const repository = "tokendrill"

// dockerfile makes the image: the binary, a /tmp, and nobody's rights.
const dockerfile = `FROM scratch
LABEL ` + labelImage + `=true
ADD tmp.tar /
COPY tokendrill /tokendrill
USER 65534:65534
ENTRYPOINT ["/tokendrill"]
`

// image returns the image of a binary, which is built if the engine does not have it;
// empty is this executable. Its tag is the hash of what is in it.
func (e *engine) image(ctx context.Context, path string, tell func(string)) (string, error) {
	if path == "" {
		own, err := os.Executable()
		if err != nil {
			return "", err
		}
		path = own
	}
	binary, err := e.binary(path)
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256(append([]byte(dockerfile), binary...))
	tag := hex.EncodeToString(sum[:])[:16]
	name := repository + ":" + tag
	switch _, err := e.ImageInspect(ctx, name); {
	case err == nil:
		return name, nil
	case !errdefs.IsNotFound(err):
		return "", fmt.Errorf("image %s: %w", name, err)
	}
	tell("building the image " + name)
	return name, e.build(ctx, tag, binary)
}

// build builds and keeps an image. Nothing is pulled for it.
func (e *engine) build(ctx context.Context, tag string, binary []byte) error {
	archive, err := buildContext(binary)
	if err != nil {
		return err
	}
	_, err = e.provider.BuildImage(ctx, &testcontainers.ContainerRequest{FromDockerfile: testcontainers.FromDockerfile{
		ContextArchive: archive, Repo: repository, Tag: tag, KeepImage: true, BuildLogWriter: io.Discard,
	}})
	return err
}

// binary reads a program that can run in an image with nothing else in it.
func (e *engine) binary(path string) ([]byte, error) {
	binary, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	if err := static(binary, e.arch); err != nil {
		return nil, &Unsuited{Path: path, Arch: e.arch, Err: err}
	}
	return binary, nil
}

// Unsuited is a program that cannot run in an image with nothing else in it.
type Unsuited struct {
	Path string
	Arch string // of the engine, as Go calls it
	Err  error
}

// Error says how to build one that can.
func (u *Unsuited) Error() string {
	return fmt.Sprintf("%s cannot run in a container: %v; build one that can: CGO_ENABLED=0 GOOS=linux GOARCH=%s go build -o tokendrill ./cmd/tokendrill, and name it with --binary", u.Path, u.Err, u.Arch)
}

func (u *Unsuited) Unwrap() error { return u.Err }

// machines are the processors of ELF files, as Go calls them.
var machines = map[elf.Machine]string{
	elf.EM_X86_64: "amd64", elf.EM_AARCH64: "arm64", elf.EM_ARM: "arm", elf.EM_386: "386",
	elf.EM_PPC64: "ppc64le", elf.EM_RISCV: "riscv64", elf.EM_S390: "s390x", elf.EM_LOONGARCH: "loong64",
}

// static says why a program cannot run alone on Linux on a processor.
func static(binary []byte, arch string) error {
	file, err := elf.NewFile(bytes.NewReader(binary))
	if err != nil {
		return fmt.Errorf("it is no program for Linux: %w", err)
	}
	if made := cmp.Or(machines[file.Machine], file.Machine.String()); made != arch {
		return fmt.Errorf("it is for %s, and the engine for %s", made, arch)
	}
	if slices.ContainsFunc(file.Progs, func(p *elf.Prog) bool { return p.Type == elf.PT_INTERP }) {
		return fmt.Errorf("it is not static")
	}
	return nil
}

// buildContext is a tar with the Dockerfile and what it takes.
func buildContext(binary []byte) (*bytes.Reader, error) {
	tmp, err := tarOf(tar.Header{Name: "tmp/", Typeflag: tar.TypeDir, Mode: 0o1777})
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	w := tar.NewWriter(&out)
	for _, f := range []struct {
		name string
		mode int64
		data []byte
	}{{"Dockerfile", 0o644, []byte(dockerfile)}, {"tmp.tar", 0o644, tmp}, {"tokendrill", 0o755, binary}} {
		if err := w.WriteHeader(&tar.Header{Name: f.name, Mode: f.mode, Size: int64(len(f.data))}); err != nil {
			return nil, err
		}
		if _, err := w.Write(f.data); err != nil {
			return nil, err
		}
	}
	return bytes.NewReader(out.Bytes()), w.Close()
}

// tarOf is a tar with one entry that has no content.
func tarOf(entry tar.Header) ([]byte, error) {
	var out bytes.Buffer
	w := tar.NewWriter(&out)
	if err := w.WriteHeader(&entry); err != nil {
		return nil, err
	}
	err := w.Close()
	return out.Bytes(), err
}
