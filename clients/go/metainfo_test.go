package mika

import (
	"bytes"
	"encoding/json"
	"os"
	"testing"
)

type goodTorrent struct {
	About           string
	Torrent         []byte
	InfoHash        string  `json:"info_hash"`
	InfoHashV2      *string `json:"info_hash_v2"`
	Name            string
	Size            int64
	Private         bool
	PrivateInfoHash string `json:"private_info_hash"`
	Personal        []byte
}

// The files that all clients must read alike.
func readTestdata(t *testing.T) (document struct {
	Announce string
	Good     []goodTorrent
	Bad      []struct {
		About   string
		Torrent []byte
	}
}) {
	t.Helper()
	data, err := os.ReadFile("../testdata/torrents.json")
	if err == nil {
		err = json.Unmarshal(data, &document)
	}
	if err != nil {
		t.Fatal(err)
	}
	return document
}

func TestTorrentFilesAreReadAndMadePersonal(t *testing.T) {
	document := readTestdata(t)
	if len(document.Good) == 0 {
		t.Fatal("there are no files")
	}
	for _, expected := range document.Good {
		t.Run(expected.About, func(t *testing.T) {
			metainfo, err := ReadMetainfo(expected.Torrent)
			if err != nil {
				t.Fatal(err)
			}
			v2 := ""
			if expected.InfoHashV2 != nil {
				v2 = *expected.InfoHashV2
			}
			if metainfo.InfoHash != expected.InfoHash || metainfo.InfoHashV2 != v2 {
				t.Errorf("hashes are %s %s", metainfo.InfoHash, metainfo.InfoHashV2)
			}
			if metainfo.Name != expected.Name || metainfo.Size != expected.Size || metainfo.Private != expected.Private {
				t.Errorf("read %q %d %v", metainfo.Name, metainfo.Size, metainfo.Private)
			}
			private, err := metainfo.MadePrivate()
			if err != nil {
				t.Fatal(err)
			}
			if !private.Private || private.InfoHash != expected.PrivateInfoHash {
				t.Errorf("private: %v %s", private.Private, private.InfoHash)
			}
			if personal := private.AnnouncingTo(document.Announce); !bytes.Equal(personal, expected.Personal) {
				t.Errorf("personal: %q", personal)
			}
		})
	}
}

func TestWhatIsNoTorrentFileIsRefused(t *testing.T) {
	for _, bad := range readTestdata(t).Bad {
		t.Run(bad.About, func(t *testing.T) {
			if metainfo, err := ReadMetainfo(bad.Torrent); err == nil || metainfo != nil {
				t.Errorf("read as %v", metainfo)
			}
		})
	}
}
