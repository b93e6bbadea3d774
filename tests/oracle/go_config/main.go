// Says what Go's encoding/json, which every runtime uses, reads in each image config on standard input.
package main

import (
	"bufio"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"time"
)

// words is how moby reads Entrypoint and Cmd: a list, or one string.
type words []string

func (w *words) UnmarshalJSON(text []byte) error {
	if len(text) == 0 {
		return nil
	}
	list := make([]string, 0, 1)
	if err := json.Unmarshal(text, &list); err != nil {
		var word string
		if err := json.Unmarshal(text, &word); err != nil {
			return err
		}
		list = append(list, word)
	}
	*w = list
	return nil
}

// As moby has it: the config is a pointer, which null empties, and a command may be one string.
type docker struct {
	Created *time.Time `json:"created"`
	Config  *struct {
		User                string
		Env                 []string
		Cmd, Entrypoint     words
		WorkingDir          string
		ExposedPorts, Volumes map[string]struct{}
		Labels              map[string]string
	} `json:"config"`
	common
}

// As the OCI image-spec has it, which containerd uses.
type oci struct {
	Created *time.Time `json:"created"`
	Config  struct {
		User                string
		Env                 []string
		Cmd, Entrypoint     []string
		WorkingDir          string
		ExposedPorts, Volumes map[string]struct{}
		Labels              map[string]string
	} `json:"config"`
	common
}

type common struct {
	Architecture string `json:"architecture"`
	OS           string `json:"os"`
	OSVersion    string `json:"os.version"`
	Variant      string `json:"variant"`
	RootFS       *struct {
		Type    string   `json:"type"`
		DiffIDs []string `json:"diff_ids"`
	} `json:"rootfs"`
	History []struct {
		Created    *time.Time `json:"created"`
		CreatedBy  string     `json:"created_by"`
		Comment    string     `json:"comment"`
		EmptyLayer bool       `json:"empty_layer"`
	} `json:"history"`
}

// One line per document; each comes after its length in 32 bits, the lowest byte first.
func main() {
	in := bufio.NewReader(os.Stdin)
	for {
		var length uint32
		if binary.Read(in, binary.LittleEndian, &length) != nil {
			return
		}
		document := make([]byte, length)
		if _, err := io.ReadFull(in, document); err != nil {
			panic(err)
		}
		fmt.Println(asDocker(document) + " " + asOCI(document))
	}
}

func asDocker(document []byte) string {
	var found docker
	if json.Unmarshal(document, &found) != nil || found.refused() {
		return "error"
	}
	if found.Config == nil {
		return said("", "", nil, nil, nil)
	}
	c := found.Config
	return said(c.User, c.WorkingDir, c.Entrypoint, c.Cmd, c.Env)
}

func asOCI(document []byte) string {
	var found oci
	if json.Unmarshal(document, &found) != nil || found.refused() {
		return "error"
	}
	c := found.Config
	return said(c.User, c.WorkingDir, c.Entrypoint, c.Cmd, c.Env)
}

func (c common) refused() bool {
	return c.RootFS == nil || (c.RootFS.Type != "" && c.RootFS.Type != "layers")
}

func said(user, folder string, lists ...[]string) string {
	line := fmt.Sprintf("%x,%x", user, folder)
	for _, list := range lists {
		line += ","
		for _, word := range list {
			line += fmt.Sprintf("%x;", word)
		}
	}
	return line
}
