package mika

import (
	"context"
	"iter"
	"net/http"
	"net/url"
	"strconv"
	"time"
)

// User is a member's account with its live totals in bytes: Uploaded and Downloaded are what is credited, …Real what was
// transferred.
type User struct {
	ID              int64     `json:"id"`
	Name            string    `json:"name"`
	Passkey         string    `json:"passkey"`
	Role            int64     `json:"role"`
	Enabled         bool      `json:"enabled"`
	DownloadEnabled bool      `json:"download_enabled"`
	UploadEnabled   bool      `json:"upload_enabled"`
	Uploaded        int64     `json:"uploaded"`
	Downloaded      int64     `json:"downloaded"`
	UploadedReal    int64     `json:"uploaded_real"`
	DownloadedReal  int64     `json:"downloaded_real"`
	Bonus           string    `json:"bonus"` // points, an exact decimal
	SeedSeconds     int64     `json:"seed_seconds"`
	Announces       int64     `json:"announces"`
	MultiplierUp    float64   `json:"multiplier_up"`
	MultiplierDown  float64   `json:"multiplier_down"`
	RemoteID        *string   `json:"remote_id"`
	CreatedAt       time.Time `json:"created_at"`
	UpdatedAt       time.Time `json:"updated_at"`
	ETag            string    `json:"-"` // what IfMatch takes; empty in lists
}

// Ratio returns credited upload by credited download, and false while nothing is downloaded.
func (u User) Ratio() (float64, bool) {
	if u.Downloaded == 0 {
		return 0, false
	}
	return float64(u.Uploaded) / float64(u.Downloaded), true
}

// UserFields is what of a user can be set; nil leaves a field out. Use [Set] for values. (A RemoteID is taken away by
// [Client.Do] with a body of your own.)
type UserFields struct {
	Name            *string  `json:"name,omitempty"`
	Passkey         *string  `json:"passkey,omitempty"`
	Role            *int64   `json:"role,omitempty"`
	Enabled         *bool    `json:"enabled,omitempty"`
	DownloadEnabled *bool    `json:"download_enabled,omitempty"`
	UploadEnabled   *bool    `json:"upload_enabled,omitempty"`
	MultiplierUp    *float64 `json:"multiplier_up,omitempty"`
	MultiplierDown  *float64 `json:"multiplier_down,omitempty"`
	RemoteID        *string  `json:"remote_id,omitempty"`
	Uploaded        *int64   `json:"uploaded,omitempty"`
	Downloaded      *int64   `json:"downloaded,omitempty"`
	UploadedReal    *int64   `json:"uploaded_real,omitempty"`
	DownloadedReal  *int64   `json:"downloaded_real,omitempty"`
	Bonus           *string  `json:"bonus,omitempty"`
	SeedSeconds     *int64   `json:"seed_seconds,omitempty"`
	Announces       *int64   `json:"announces,omitempty"`
}

// NewUser is a user to add: only Name is needed. Id and passkey are made when they are not given.
type NewUser struct {
	ID   int64  `json:"id,omitempty"`
	Name string `json:"name"`
	UserFields
}

// Users yields all users in order of id, a page at a time as they are needed; an error ends the list.
//
//	for user, err := range client.Users(ctx) { … }
func (c *Client) Users(ctx context.Context) iter.Seq2[User, error] {
	return pages[User](ctx, c, "/v1/users")
}

// User returns a user.
func (c *Client) User(ctx context.Context, id int64) (User, error) {
	return c.user(ctx, http.MethodGet, userPath(id), nil)
}

// AddUser adds a user.
func (c *Client) AddUser(ctx context.Context, user NewUser) (User, error) {
	return c.user(ctx, http.MethodPost, "/v1/users", user)
}

// AddUsers adds all of these users (20,000 at most) or none; Problem.Index names the bad one.
func (c *Client) AddUsers(ctx context.Context, users []NewUser) ([]User, error) {
	var added []User
	_, err := c.Do(ctx, http.MethodPost, "/v1/users", append([]NewUser{}, users...), &added)
	return added, err
}

// PutUser creates a user under an id of yours, or sets all but passkey and counters to fields and their defaults.
func (c *Client) PutUser(ctx context.Context, id int64, fields UserFields, options ...Option) (User, error) {
	return c.user(ctx, http.MethodPut, userPath(id), fields, options...)
}

// ChangeUser changes the fields that are set:
//
//	client.ChangeUser(ctx, id, mika.UserFields{Enabled: mika.Set(false)})
func (c *Client) ChangeUser(ctx context.Context, id int64, fields UserFields, options ...Option) (User, error) {
	return c.user(ctx, http.MethodPatch, userPath(id), fields, options...)
}

// ChangedUser is a user to change with others: which one, and the fields that are set.
type ChangedUser struct {
	ID int64 `json:"id"`
	UserFields
}

// ChangeUsers changes all of these users (20,000 at most, none twice) or none; Problem.Index names the bad one.
func (c *Client) ChangeUsers(ctx context.Context, changes []ChangedUser) ([]User, error) {
	var changed []User
	_, err := c.Do(ctx, http.MethodPatch, "/v1/users", append([]ChangedUser{}, changes...), &changed)
	return changed, err
}

// RenewPasskey gives a user a new passkey; the old one stops at once.
func (c *Client) RenewPasskey(ctx context.Context, id int64, options ...Option) (User, error) {
	return c.user(ctx, http.MethodPost, userPath(id)+"/passkey", nil, options...)
}

// TorrentKey returns what announces this torrent alone in the passkey's place: /KEY/announce.
func (c *Client) TorrentKey(ctx context.Context, id int64, infoHash string) (string, error) {
	return c.torrentKey(ctx, http.MethodGet, id, infoHash)
}

// RenewTorrentKey replaces it; the old one stops at once, and the user's other torrents go on.
func (c *Client) RenewTorrentKey(ctx context.Context, id int64, infoHash string) (string, error) {
	return c.torrentKey(ctx, http.MethodPost, id, infoHash)
}

// DeleteUser deletes an account, and its peers from their swarms.
func (c *Client) DeleteUser(ctx context.Context, id int64, options ...Option) error {
	_, err := c.Do(ctx, http.MethodDelete, userPath(id), nil, nil, options...)
	return err
}

// AddBonus gives points, a decimal such as "12.5", or (a negative amount) spends them; it returns what the user then has. More
// than there is cannot be spent: that is a [*Problem] of status 409. What is sent again with the same key, a name of yours for
// it, counts once; it may be empty.
func (c *Client) AddBonus(ctx context.Context, id int64, amount, reason, key string) (balance string, err error) {
	body := map[string]string{"amount": amount, "reason": reason}
	if key != "" {
		body["key"] = key
	}
	var entry struct{ Balance string }
	_, err = c.Do(ctx, http.MethodPost, userPath(id)+"/bonus", body, &entry)
	return entry.Balance, err
}

// GrantFreeleech lets a user download a torrent for free until then.
func (c *Client) GrantFreeleech(ctx context.Context, id int64, infoHash string, until time.Time) error {
	body := map[string]string{"until": until.UTC().Format(time.RFC3339)}
	_, err := c.Do(ctx, http.MethodPut, freeleechPath(id, infoHash), body, nil)
	return err
}

// RevokeFreeleech takes a freeleech token away.
func (c *Client) RevokeFreeleech(ctx context.Context, id int64, infoHash string) error {
	_, err := c.Do(ctx, http.MethodDelete, freeleechPath(id, infoHash), nil, nil)
	return err
}

func (c *Client) user(ctx context.Context, method, path string, body any, options ...Option) (User, error) {
	var user User
	header, err := c.Do(ctx, method, path, body, &user, options...)
	user.ETag = header.Get("ETag")
	return user, err
}

func (c *Client) torrentKey(ctx context.Context, method string, id int64, infoHash string) (string, error) {
	var shown struct{ Key string }
	_, err := c.Do(ctx, method, userPath(id)+"/torrents/"+url.PathEscape(infoHash)+"/key", nil, &shown)
	return shown.Key, err
}

func freeleechPath(id int64, infoHash string) string {
	return userPath(id) + "/freeleech/" + url.PathEscape(infoHash)
}

func userPath(id int64) string { return "/v1/users/" + strconv.FormatInt(id, 10) }
