// Says who a USER string is, with Go's own bufio, strings and strconv, by the rules of moby/sys user 0.4.1 in words:
// written for this test from their description, so that two readings of it check one another.
package main

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
)

const highest = 1<<31 - 1

type account struct {
	name     string
	uid, gid int
}

type group struct {
	name    string
	gid     int
	members []string
}

// One line per question: USER, passwd and group, each after its length in 32 bits, in one frame of the same kind.
func main() {
	in := bufio.NewReader(os.Stdin)
	for {
		frame, err := part(in)
		if err != nil {
			return
		}
		inner := bytes.NewReader(frame)
		user, _ := part(inner)
		passwd, _ := part(inner)
		groups, _ := part(inner)
		fmt.Println(answer(string(user), passwd, groups))
	}
}

func part(in io.Reader) ([]byte, error) {
	var length uint32
	if err := binary.Read(in, binary.LittleEndian, &length); err != nil {
		return nil, err
	}
	text := make([]byte, length)
	_, err := io.ReadFull(in, text)
	return text, err
}

// number is what Atoi says of one half: a number, a name, or out of range.
func number(half string) (value int, isNumber, outOfRange bool) {
	value, err := strconv.Atoi(half)
	if errors.Is(err, strconv.ErrRange) {
		return 0, false, true
	}
	return value, err == nil, err == nil && (value < 0 || value > highest)
}

func lenient(field string) int {
	value, _ := strconv.Atoi(field)
	return value
}

func lines(text []byte, comments bool) [][]string {
	var found [][]string
	scanner := bufio.NewScanner(bytes.NewReader(text))
	for scanner.Scan() {
		line := strings.TrimSpace(scanner.Text())
		if line == "" || (!comments && line[0] == '#') {
			continue
		}
		found = append(found, append(strings.Split(line, ":"), "", "", "", ""))
	}
	return found
}

func answer(spec string, passwd, groupFile []byte) string {
	halves := append(strings.Split(spec, ":"), "")
	user, grp := halves[0], halves[1]
	id, isNumber, tooLarge := number(user)
	gid, gidIsNumber, gidTooLarge := number(grp)
	if tooLarge || gidTooLarge {
		return "error"
	}
	who := account{uid: id}
	matched := false
	for _, fields := range lines(passwd, true) {
		one := account{fields[0], lenient(fields[2]), lenient(fields[3])}
		if (user == "" || isNumber) && one.uid == id || user != "" && !isNumber && one.name == user {
			who, matched = one, true
			break
		}
	}
	if !matched && user != "" && !isNumber {
		return "error"
	}
	var groups []group
	for _, fields := range lines(groupFile, false) {
		groups = append(groups, group{fields[0], lenient(fields[2]), strings.Split(fields[3], ",")})
	}
	if grp != "" {
		if gidIsNumber {
			return said(who.uid, gid, nil)
		}
		for _, one := range groups {
			if one.name == grp {
				return said(who.uid, one.gid, nil)
			}
		}
		return "error"
	}
	var others []int
	for _, one := range groups {
		for _, member := range one.members {
			if matched && who.name != "" && member == who.name {
				others = append(others, one.gid)
				break
			}
		}
	}
	return said(who.uid, who.gid, others)
}

func said(uid, gid int, groups []int) string {
	line := fmt.Sprintf("%d:%d", uint32(uid), uint32(gid))
	for _, one := range groups {
		line += fmt.Sprintf(",%d", uint32(one))
	}
	return line
}
