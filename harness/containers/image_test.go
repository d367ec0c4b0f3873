package containers

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/moby/moby/client"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tokendrill/tokendrill/fixtures/undisturbed"
)

func TestABinaryHasOneImage(t *testing.T) {
	undisturbed.Long(t, "starts containers")
	options(t) // skips without an engine
	path := filepath.Join(t.TempDir(), "program")
	require.NoError(t, program("./testdata/upstream", path, runtime.GOARCH, "-tags=another"))
	e, err := connect(t.Context())
	require.NoError(t, err)
	defer e.close()
	first := imageOf(t, path)
	is, err := e.ImageInspect(t.Context(), first)
	require.NoError(t, err)

	again, err := e.image(t.Context(), path, func(line string) { t.Error("built again:", line) })
	require.NoError(t, err)
	assert.Equal(t, first, again)
	all, err := e.ImageList(t.Context(), client.ImageListOptions{})
	require.NoError(t, err)
	for _, image := range all.Items {
		if image.ID == is.ID {
			assert.Equal(t, []string{first}, image.RepoTags)
		}
	}

	text, err := os.ReadFile(path)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(path, append(text, "another"...), 0o755))
	assert.NotEqual(t, first, imageOf(t, path))
}

func TestABinaryMustRunAlone(t *testing.T) {
	dir := t.TempDir()
	e := &engine{arch: "amd64"}
	for _, row := range []struct {
		name    string
		content []byte
		want    string
	}{
		{"static", headers(t, elf.EM_X86_64, elf.PT_LOAD), ""},
		{"linked to the libraries of a system", headers(t, elf.EM_X86_64, elf.PT_INTERP), "it is not static"},
		{"for another processor", headers(t, elf.EM_AARCH64, elf.PT_LOAD), "it is for arm64, and the engine for amd64"},
		{"for a processor that Go does not know", headers(t, elf.EM_SPARCV9, elf.PT_LOAD), "it is for EM_SPARCV9, and the engine for amd64"},
		{"for another system", []byte("#!/bin/sh\n"), "it is no program for Linux: "},
	} {
		t.Run(row.name, func(t *testing.T) {
			path := filepath.Join(dir, "program")
			require.NoError(t, os.WriteFile(path, row.content, 0o755))
			_, err := e.binary(path)
			if row.want == "" {
				require.NoError(t, err)
				return
			}
			require.ErrorContains(t, err, path+" cannot run in a container: "+row.want)
			assert.ErrorContains(t, err, "CGO_ENABLED=0 GOOS=linux GOARCH=amd64 go build")
			assert.NotContains(t, err.Error(), "\n")
		})
	}
	_, err := e.binary(filepath.Join(dir, "nothing"))
	require.ErrorIs(t, err, os.ErrNotExist)
}

// headers are those of a program with one segment.
func headers(t *testing.T, machine elf.Machine, segment elf.ProgType) []byte {
	const headerSize, segmentSize = 64, 56
	h := elf.Header64{
		Ident: [elf.EI_NIDENT]byte{0x7f, 'E', 'L', 'F', byte(elf.ELFCLASS64), byte(elf.ELFDATA2LSB), byte(elf.EV_CURRENT)},
		Type:  uint16(elf.ET_EXEC), Machine: uint16(machine), Version: uint32(elf.EV_CURRENT),
		Phoff: headerSize, Ehsize: headerSize, Phentsize: segmentSize, Phnum: 1,
	}
	var out bytes.Buffer
	require.NoError(t, binary.Write(&out, binary.LittleEndian, h))
	require.NoError(t, binary.Write(&out, binary.LittleEndian, elf.Prog64{Type: uint32(segment)}))
	return out.Bytes()
}
