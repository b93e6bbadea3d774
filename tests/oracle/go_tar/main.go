// Says what Go's archive/tar, which unpacks images, reads in each archive on standard input.
package main

import (
	"archive/tar"
	"bufio"
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"os"
)

// One line per archive; each comes after its length in 32 bits, the lowest byte first.
func main() {
	in := bufio.NewReader(os.Stdin)
	for {
		var length uint32
		if binary.Read(in, binary.LittleEndian, &length) != nil {
			return
		}
		archive := make([]byte, length)
		if _, err := io.ReadFull(in, archive); err != nil {
			panic(err)
		}
		fmt.Println(members(tar.NewReader(bytes.NewReader(archive))))
	}
}

func members(reader *tar.Reader) string {
	said := ""
	for {
		member, err := reader.Next()
		if err == io.EOF {
			return said + "end"
		}
		if err != nil {
			return said + "error"
		}
		if member.Typeflag == tar.TypeXGlobalHeader {
			continue
		}
		// What no container runtime unpacks.
		if member.Typeflag < tar.TypeReg || member.Typeflag > tar.TypeFifo {
			return said + "error"
		}
		size, read := int64(0), int64(0)
		if member.Typeflag == tar.TypeReg {
			size = member.Size
			if read, err = io.Copy(io.Discard, reader); err != nil {
				return said + "error"
			}
		}
		said += fmt.Sprintf("%x,%c,%d,%d,%d,%d,%d,%x,%x;", member.Name, member.Typeflag, member.Mode, member.Uid,
			member.Gid, size, read, member.Linkname, member.PAXRecords["SCHILY.xattr.security.capability"])
	}
}
