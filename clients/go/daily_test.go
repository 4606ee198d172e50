package mika

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"slices"
	"strconv"
	"testing"
	"time"
)

// TestDaily does what a site does every day, with the tracker that MIKA_URL names. MIKA_TEST_BASE is a number from which on a
// hundred ids are free there.
func TestDaily(t *testing.T) {
	base, err := strconv.ParseInt(os.Getenv("MIKA_TEST_BASE"), 10, 64)
	if err != nil {
		t.Skip("MIKA_TEST_BASE names no ids on a tracker to play with")
	}
	client, err := New(Config{})
	if err != nil {
		t.Fatal(err)
	}
	d := daily{t, client, base}
	d.users()
	d.listing()
	d.torrents()
	d.whitelist()
}

type daily struct {
	t      *testing.T
	client *Client
	base   int64
}

func (d daily) check(err error) {
	d.t.Helper()
	if err != nil {
		d.t.Fatal(err)
	}
}

func (d daily) expect(what string, got, expected any) {
	d.t.Helper()
	if got != expected {
		d.t.Fatalf("%s: %v, not %v", what, got, expected)
	}
}

func (d daily) hash(number int64) string { return fmt.Sprintf("%040d", d.base+number) }

func (d daily) users() {
	ctx := context.Background()
	role, err := d.client.AddRole(ctx, RoleFields{Name: Set("elite"), MultiplierUp: Set(1.5)})
	d.check(err)
	made, err := d.client.AddUser(ctx, NewUser{ID: d.base, Name: "ann"})
	d.check(err)
	d.expect("role of a new user", made.Role, int64(1))
	changed, err := d.client.ChangeUser(ctx, d.base, UserFields{Role: &role.ID})
	d.check(err)
	d.expect("role", changed.Role, role.ID)
	renewed, err := d.client.RenewPasskey(ctx, d.base)
	d.check(err)
	d.expect("passkey is another one", renewed.Passkey != made.Passkey, true)
	disabled, err := d.client.ChangeUser(ctx, d.base, UserFields{
		Enabled: Set(false), Uploaded: Set(int64(1<<63 - 1)), Downloaded: Set(int64(1<<53 + 1)), Bonus: Set("12.000000001"),
	})
	d.check(err)
	shown, err := d.client.User(ctx, d.base)
	d.check(err)
	d.expect("disabled", shown, disabled)
	d.expect("enabled", shown.Enabled, false)
	d.expect("uploaded", shown.Uploaded, int64(1<<63-1))
	d.expect("downloaded", shown.Downloaded, int64(1<<53+1))
	d.expect("bonus", shown.Bonus, "12.000000001")

	_, err = d.client.ChangeUser(ctx, d.base, UserFields{Role: Set(int64(1))}, IfMatch(made.ETag))
	d.expect("a change of what has changed since", problemOf(d.t, err).Status, 412)
	_, err = d.client.ChangeUser(ctx, d.base, UserFields{Name: Set("Ann")}, IfMatch(shown.ETag))
	d.check(err)
	_, err = d.client.PutUser(ctx, d.base, UserFields{Name: Set("another ann")}, OnlyNew())
	d.expect("a new one that is there", problemOf(d.t, err).Status, 412)
	_, err = d.client.AddUser(ctx, NewUser{ID: d.base, Name: "another ann"})
	d.expect("an id that is taken", problemOf(d.t, err).Status, 409)
}

func (d daily) listing() {
	ctx := context.Background()
	var names []NewUser
	var ids []int64
	for number := int64(1); number <= 5; number++ {
		names = append(names, NewUser{ID: d.base + number, Name: fmt.Sprintf("member %d", number)})
		ids = append(ids, d.base+number)
	}
	added, err := d.client.AddUsers(ctx, names)
	d.check(err)
	d.expect("added", len(added), 5)
	var listed []int64
	for user, err := range d.client.Users(ctx) {
		d.check(err)
		if user.ID > d.base && user.ID <= d.base+5 {
			listed = append(listed, user.ID)
		}
	}
	d.expect("all are listed in order", slices.Equal(listed, ids), true)
	changed, err := d.client.ChangeUsers(ctx, []ChangedUser{
		{ID: d.base + 2, UserFields: UserFields{Enabled: Set(false)}},
		{ID: d.base + 1, UserFields: UserFields{Name: Set("first"), Uploaded: Set(int64(5))}},
	})
	d.check(err)
	d.expect("changed together, the one", changed[0].ID == d.base+2 && !changed[0].Enabled, true)
	d.expect("changed together, the other", changed[1].Name == "first" && changed[1].Uploaded == 5, true)
	_, err = d.client.ChangeUsers(ctx, []ChangedUser{
		{ID: d.base + 1, UserFields: UserFields{Name: Set("x")}}, {ID: d.base + 99, UserFields: UserFields{Name: Set("y")}},
	})
	d.expect("one who is not there", *problemOf(d.t, err).Index, 1)
	balance, err := d.client.AddBonus(ctx, d.base+4, "12.5", "a gift", "")
	d.check(err)
	d.expect("balance", balance, "12.5")
	for range 2 { // which counts once
		balance, err = d.client.AddBonus(ctx, d.base+4, "-2.5", "a token", "order 7")
		d.check(err)
		d.expect("balance", balance, "10")
	}
	_, err = d.client.AddBonus(ctx, d.base+4, "-10.000000001", "", "")
	d.expect("more than there is", problemOf(d.t, err).Status, 409)
	d.check(d.client.DeleteUser(ctx, d.base+5))
	_, err = d.client.User(ctx, d.base+5)
	d.expect("a user who is deleted", problemOf(d.t, err).Status, 404)
}

func (d daily) torrents() {
	ctx := context.Background()
	sizes := func(second int64) []NewTorrent {
		return []NewTorrent{
			{InfoHash: d.hash(1), TorrentFields: TorrentFields{Size: Set(int64(1 << 53))}},
			{InfoHash: d.hash(2), TorrentFields: TorrentFields{Size: &second}},
		}
	}
	_, err := d.client.AddTorrents(ctx, sizes(-1))
	problem := problemOf(d.t, err)
	d.expect("status", problem.Status, 422)
	d.expect("index", *problem.Index, 1)
	d.expect("field", problem.Errors[0].Field, "size")
	_, err = d.client.Torrent(ctx, d.hash(1))
	d.expect("nothing is added", problemOf(d.t, err).Status, 404)

	added, err := d.client.AddTorrents(ctx, sizes(2))
	d.check(err)
	d.expect("size", added[0].Size, int64(1<<53))
	free, err := d.client.ChangeTorrent(ctx, d.hash(1), TorrentFields{MultiplierDown: Set(0.0), Name: Set("frei & schön")})
	d.check(err)
	d.expect("multiplier", free.MultiplierDown, 0.0)
	d.expect("name", free.Name, "frei & schön")
	renamed, err := d.client.ChangeTorrents(ctx, []ChangedTorrent{
		{InfoHash: d.hash(2), TorrentFields: TorrentFields{Name: Set("two")}},
	})
	d.check(err)
	d.expect("changed together", renamed[0].Name, "two")
	accepted := map[string]any{"tracker": map[string]string{"torrent_keys": "accepted"}}
	_, err = d.client.Do(ctx, http.MethodPatch, "/v1/config", accepted, nil)
	d.check(err)
	key, err := d.client.TorrentKey(ctx, d.base+4, d.hash(1))
	d.check(err)
	d.expect("length of a key", len(key), 64)
	another, err := d.client.RenewTorrentKey(ctx, d.base+4, d.hash(1))
	d.check(err)
	d.expect("another key", another != key, true)
	d.check(d.client.GrantFreeleech(ctx, d.base+4, d.hash(1), time.Now().Add(time.Hour)))
	d.check(d.client.RevokeFreeleech(ctx, d.base+4, d.hash(1)))
	d.expect("a token that is gone", problemOf(d.t, d.client.RevokeFreeleech(ctx, d.base+4, d.hash(1))).Status, 404)
	d.check(d.client.DeleteTorrent(ctx, d.hash(2), "Ersetzt: größer & schöner?"))
	put, err := d.client.PutTorrent(ctx, d.hash(3), TorrentFields{Name: Set("put")})
	d.check(err)
	d.expect("put", put.Name, "put")
}

func (d daily) whitelist() {
	ctx := context.Background()
	prefix := fmt.Sprintf("-/%d", d.base)
	d.check(d.client.AllowClient(ctx, prefix, "Client"))
	names := map[string]string{}
	for client, err := range d.client.Whitelist(ctx) {
		d.check(err)
		names[client.Prefix] = client.Name
	}
	d.expect("name", names[prefix], "Client")
	d.check(d.client.DisallowClient(ctx, prefix))
}
