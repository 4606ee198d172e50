// Site signs up a member, uploads a torrent, hands out its .torrent file, and shows the member's ratio.
//
//	go run ./examples/site ID NAME FILE.torrent ANNOUNCE_BASE OUT.torrent
//
// MIKA_URL, MIKA_TOKEN and MIKA_CA say where the tracker is. Run it again after some announces: the ratio has changed.
package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/signal"
	"strconv"

	"mika.example/mika"
)

func main() {
	if len(os.Args) != 6 {
		fmt.Fprintln(os.Stderr, "usage: site ID NAME FILE.torrent ANNOUNCE_BASE OUT.torrent")
		os.Exit(2)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, os.Args[1], os.Args[2], os.Args[3], os.Args[4], os.Args[5]); err != nil {
		fmt.Fprintln(os.Stderr, "site:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, id, name, file, announceBase, out string) error {
	client, err := mika.New(mika.Config{})
	if err != nil {
		return err
	}
	number, err := strconv.ParseInt(id, 10, 64)
	if err != nil {
		return err
	}
	member, err := signUp(ctx, client, number, name)
	if err != nil {
		return err
	}
	fmt.Printf("member %d is %s, role %d\n", member.ID, member.Name, member.Role)

	torrent, personal, err := upload(ctx, client, file, announceBase+"/"+member.Passkey+"/announce")
	if err != nil {
		return err
	}
	if err := os.WriteFile(out, personal, 0o600); err != nil {
		return err
	}
	fmt.Printf("torrent %s is %s, %d bytes, %d seeders\n", torrent.InfoHash, torrent.Name, torrent.Size, torrent.Seeders)

	shown := "none yet"
	if ratio, ok := member.Ratio(); ok {
		shown = strconv.FormatFloat(ratio, 'f', 2, 64)
	}
	fmt.Printf("up %d, down %d, ratio %s\n", member.Uploaded, member.Downloaded, shown)
	return nil
}

// signUp makes an account under the id that the site uses; one that is there stays as it is.
func signUp(ctx context.Context, client *mika.Client, id int64, name string) (mika.User, error) {
	member, err := client.AddUser(ctx, mika.NewUser{ID: id, Name: name})
	if isConflict(err) {
		return client.User(ctx, id)
	}
	return member, err
}

// upload adds a torrent; it returns it and the .torrent file for one member, made private and with the announce URL.
func upload(ctx context.Context, client *mika.Client, file, announceURL string) (mika.Torrent, []byte, error) {
	data, err := os.ReadFile(file)
	if err != nil {
		return mika.Torrent{}, nil, err
	}
	metainfo, err := mika.ReadMetainfo(data)
	if err != nil {
		return mika.Torrent{}, nil, err
	}
	if metainfo, err = metainfo.MadePrivate(); err != nil {
		return mika.Torrent{}, nil, err
	}
	torrent, err := client.AddTorrent(ctx, metainfo.NewTorrent())
	if isConflict(err) {
		torrent, err = client.Torrent(ctx, metainfo.InfoHash)
	}
	return torrent, metainfo.AnnouncingTo(announceURL), err
}

func isConflict(err error) bool {
	var problem *mika.Problem
	return errors.As(err, &problem) && problem.Status == http.StatusConflict
}
