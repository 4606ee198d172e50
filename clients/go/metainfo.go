package mika

import (
	"bytes"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
)

const (
	maxDepth = 64
	maxSize  = 1 << 53 // what the API takes
	tooLarge = maxSize + 1
)

// Metainfo is what a .torrent file says (BEP 3, 27, 47, 52). The InfoHash of a torrent that is v2 only is the beginning of
// InfoHashV2, which is what clients announce. Size is bytes of content, without padding files.
type Metainfo struct {
	InfoHash   string
	InfoHashV2 string // empty where there is no v2 part
	Name       string
	Size       int64
	Private    bool

	file raw
}

// raw holds the keys of a bencoded dictionary and its values as they are in the file: nothing is encoded anew but what is
// changed, so that an info hash is made of the bytes that clients see.
type raw map[string][]byte

// ReadMetainfo reads a whole .torrent file.
func ReadMetainfo(data []byte) (*Metainfo, error) {
	if len(data) == 0 || data[0] != 'd' {
		return nil, errors.New("mika: this is no .torrent file")
	}
	file, err := readRaw(data)
	if err != nil {
		return nil, err
	}
	return newMetainfo(file)
}

// NewTorrent returns what [Client.AddTorrent] takes.
func (m *Metainfo) NewTorrent() NewTorrent {
	name := []rune(m.Name)
	torrent := NewTorrent{InfoHash: m.InfoHash}
	torrent.Name, torrent.Size = Set(string(name[:min(len(name), 1000)])), Set(m.Size)
	if m.InfoHashV2 != "" {
		torrent.InfoHashV2 = Set(m.InfoHashV2)
	}
	return torrent
}

// MadePrivate returns it with the private flag, without which clients find peers elsewhere: with another info hash.
func (m *Metainfo) MadePrivate() (*Metainfo, error) {
	if m.Private {
		return m, nil
	}
	info, err := readRaw(m.file["info"])
	if err != nil {
		return nil, err
	}
	info["private"] = []byte("i1e")
	file := maps.Clone(m.file)
	file["info"] = info.encode()
	return newMetainfo(file)
}

// AnnouncingTo returns the .torrent file that announces to url and to no other tracker; the info hash is the same.
func (m *Metainfo) AnnouncingTo(url string) []byte {
	file := maps.Clone(m.file)
	delete(file, "announce-list")
	delete(file, "nodes")
	file["announce"] = fmt.Appendf(nil, "%d:%s", len(url), url)
	return file.encode()
}

func newMetainfo(file raw) (*Metainfo, error) {
	encoded := file["info"]
	if len(encoded) == 0 || encoded[0] != 'd' {
		return nil, errors.New(`mika: the .torrent file has no "info" dictionary`)
	}
	value, _, err := decode(encoded, 0, 0)
	if err != nil {
		return nil, err
	}
	info := value.(map[string]any)
	name, _ := info["name.utf-8"].(string) // of old clients, beside a name in another encoding
	if name == "" {
		name, _ = info["name"].(string)
	}
	if name == "" {
		return nil, errors.New(`mika: the .torrent file's "info" has no "name"`)
	}
	version, given := info["meta version"]
	_, hasPieces := info["pieces"]
	switch {
	case given && version != int64(1) && version != int64(2):
		return nil, errors.New(`mika: the .torrent file's "meta version" is neither 1 nor 2`)
	case version != int64(2) && !hasPieces:
		return nil, errors.New(`mika: the .torrent file's "info" has no "pieces"`)
	}
	sum := sha1.Sum(encoded)
	metainfo := &Metainfo{InfoHash: hex.EncodeToString(sum[:]), Name: readable(name), file: file}
	metainfo.Private = info["private"] == int64(1)
	if version == int64(2) {
		sum := sha256.Sum256(encoded)
		metainfo.InfoHashV2 = hex.EncodeToString(sum[:])
		if !hasPieces {
			metainfo.InfoHash = metainfo.InfoHashV2[:40]
		}
		metainfo.Size, err = sizeOfTree(info["file tree"])
	} else {
		metainfo.Size, err = sizeV1(info)
	}
	if err == nil && metainfo.Size > maxSize {
		err = errTooLarge
	}
	if err != nil {
		return nil, err
	}
	return metainfo, nil
}

func readable(name string) string {
	return strings.Map(func(letter rune) rune {
		if letter < ' ' || letter == '\x7f' {
			return '\uFFFD'
		}
		return letter // U+FFFD as well for each byte that is no UTF-8
	}, name)
}

func sizeV1(info map[string]any) (int64, error) {
	files, ok := info["files"].([]any)
	if !ok {
		return length(info)
	}
	var size int64
	for _, file := range files {
		entry, _ := file.(map[string]any)
		one, err := length(entry)
		if err != nil {
			return 0, err
		}
		if attributes, _ := entry["attr"].(string); !strings.Contains(attributes, "p") { // not padding
			size = min(size+one, tooLarge)
		}
	}
	return size, nil
}

func sizeOfTree(tree any) (int64, error) {
	nodes, _ := tree.(map[string]any)
	if len(nodes) == 0 {
		return 0, errors.New(`mika: the .torrent file's "file tree" is no dictionary of files`)
	}
	var size int64
	for name, node := range nodes {
		measure := sizeOfTree
		if name == "" {
			measure = func(file any) (int64, error) { entry, _ := file.(map[string]any); return length(entry) }
		}
		one, err := measure(node)
		if err != nil {
			return 0, err
		}
		size = min(size+one, tooLarge)
	}
	return size, nil
}

func length(file map[string]any) (int64, error) {
	length, ok := file["length"].(int64)
	if !ok || length < 0 || length > maxSize {
		return 0, errors.New(`mika: a file of the .torrent file has no "length", or an impossible one`)
	}
	return length, nil
}

func (r raw) encode() []byte {
	var out bytes.Buffer
	out.WriteByte('d')
	for _, key := range slices.Sorted(maps.Keys(r)) {
		fmt.Fprintf(&out, "%d:%s", len(key), key)
		out.Write(r[key])
	}
	out.WriteByte('e')
	return out.Bytes()
}

// readRaw returns the entries of the dictionary that all of data is.
func readRaw(data []byte) (raw, error) {
	entries := raw{}
	at := 1
	for at < len(data) && data[at] != 'e' {
		key, begin, err := decodeString(data, at)
		if err != nil {
			return nil, err
		}
		if _, at, err = decode(data, begin, 1); err != nil {
			return nil, err
		}
		entries[key] = data[begin:at]
	}
	if at+1 != len(data) {
		return nil, errors.New("mika: the .torrent file is cut short, or has bytes after its end")
	}
	return entries, nil
}

// decode returns the value that begins at a place, and where it ends: int64, string, []any or map[string]any.
func decode(data []byte, at, depth int) (any, int, error) {
	if depth > maxDepth {
		return nil, 0, errors.New("mika: the .torrent file is nested too deep")
	}
	if at >= len(data) {
		return nil, 0, errDamaged
	}
	switch data[at] {
	case 'i':
		return decodeInteger(data, at+1, 'e')
	case 'l':
		return decodeList(data, at+1, depth)
	case 'd':
		return decodeDictionary(data, at+1, depth)
	default:
		return decodeString(data, at)
	}
}

func decodeList(data []byte, at, depth int) (any, int, error) {
	items := []any{}
	for at < len(data) && data[at] != 'e' {
		item, end, err := decode(data, at, depth+1)
		if err != nil {
			return nil, 0, err
		}
		items, at = append(items, item), end
	}
	return items, at + 1, ended(data, at)
}

func decodeDictionary(data []byte, at, depth int) (any, int, error) {
	entries := map[string]any{}
	last := ""
	for at < len(data) && data[at] != 'e' {
		key, begin, err := decodeString(data, at)
		if err != nil {
			return nil, 0, err
		}
		if len(entries) > 0 && key <= last {
			return nil, 0, errors.New("mika: keys in the .torrent file are not sorted: make the file again")
		}
		if entries[key], at, err = decode(data, begin, depth+1); err != nil {
			return nil, 0, err
		}
		last = key
	}
	return entries, at + 1, ended(data, at)
}

func decodeString(data []byte, at int) (string, int, error) {
	length, begin, err := decodeInteger(data, at, ':')
	if err != nil || length < 0 || length > int64(len(data)-begin) {
		return "", 0, errDamaged
	}
	end := begin + int(length)
	return string(data[begin:end]), end, nil
}

func decodeInteger(data []byte, at int, end byte) (int64, int, error) {
	size := bytes.IndexByte(data[at:min(at+21, len(data))], end)
	if size < 0 {
		return 0, 0, errDamaged
	}
	digits := string(data[at : at+size])
	value, err := strconv.ParseInt(digits, 10, 64)
	if err != nil || strconv.FormatInt(value, 10) != digits { // a leading zero, or "-0"
		return 0, 0, errDamaged
	}
	return value, at + size + 1, nil
}

func ended(data []byte, at int) error {
	if at >= len(data) {
		return errDamaged
	}
	return nil
}

var errTooLarge = errors.New("mika: the files of the .torrent file are larger than 2^53 bytes")

var errDamaged = errors.New("mika: the .torrent file is not bencoded, or damaged")
