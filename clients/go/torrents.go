package mika

import (
	"context"
	"iter"
	"net/http"
	"net/url"
	"time"
)

// Torrent is a torrent with its live totals in bytes and its swarm. InfoHash is 40 lower-case hex digits.
type Torrent struct {
	InfoHash       string    `json:"info_hash"`
	InfoHashV2     *string   `json:"info_hash_v2"`
	Name           string    `json:"name"`
	Size           int64     `json:"size"`
	Enabled        bool      `json:"enabled"`
	Reason         string    `json:"reason"`
	MultiplierUp   float64   `json:"multiplier_up"`
	MultiplierDown float64   `json:"multiplier_down"`
	Seeders        int64     `json:"seeders"`
	Leechers       int64     `json:"leechers"`
	Completed      int64     `json:"completed"`
	Uploaded       int64     `json:"uploaded"`
	Downloaded     int64     `json:"downloaded"`
	UploadedReal   int64     `json:"uploaded_real"`
	DownloadedReal int64     `json:"downloaded_real"`
	Announces      int64     `json:"announces"`
	CreatedAt      time.Time `json:"created_at"`
	UpdatedAt      time.Time `json:"updated_at"`
	ETag           string    `json:"-"` // what IfMatch takes; empty in lists
}

// TorrentFields is what of a torrent can be set; nil leaves a field out. Use [Set] for values.
type TorrentFields struct {
	InfoHashV2     *string  `json:"info_hash_v2,omitempty"`
	Name           *string  `json:"name,omitempty"`
	Size           *int64   `json:"size,omitempty"`
	Enabled        *bool    `json:"enabled,omitempty"`
	Reason         *string  `json:"reason,omitempty"`
	MultiplierUp   *float64 `json:"multiplier_up,omitempty"`
	MultiplierDown *float64 `json:"multiplier_down,omitempty"`
	Uploaded       *int64   `json:"uploaded,omitempty"`
	Downloaded     *int64   `json:"downloaded,omitempty"`
	UploadedReal   *int64   `json:"uploaded_real,omitempty"`
	DownloadedReal *int64   `json:"downloaded_real,omitempty"`
	Completed      *int64   `json:"completed,omitempty"`
	Announces      *int64   `json:"announces,omitempty"`
}

// NewTorrent is a torrent to add: only InfoHash is needed. [Metainfo.NewTorrent] makes one of a .torrent file.
type NewTorrent struct {
	InfoHash string `json:"info_hash"`
	TorrentFields
}

// Torrents yields all torrents in order of info hash, a page at a time as they are needed; an error ends the list.
func (c *Client) Torrents(ctx context.Context) iter.Seq2[Torrent, error] {
	return pages[Torrent](ctx, c, "/v1/torrents")
}

// Torrent returns a torrent.
func (c *Client) Torrent(ctx context.Context, infoHash string) (Torrent, error) {
	return c.torrent(ctx, http.MethodGet, torrentPath(infoHash), nil)
}

// AddTorrent adds a torrent.
func (c *Client) AddTorrent(ctx context.Context, torrent NewTorrent) (Torrent, error) {
	return c.torrent(ctx, http.MethodPost, "/v1/torrents", torrent)
}

// AddTorrents adds all of these torrents (20,000 at most) or none; Problem.Index names the bad one.
func (c *Client) AddTorrents(ctx context.Context, torrents []NewTorrent) ([]Torrent, error) {
	var added []Torrent
	_, err := c.Do(ctx, http.MethodPost, "/v1/torrents", append([]NewTorrent{}, torrents...), &added)
	return added, err
}

// PutTorrent creates a torrent, or sets all but its counters to fields and their defaults.
func (c *Client) PutTorrent(
	ctx context.Context, infoHash string, fields TorrentFields, options ...Option,
) (Torrent, error) {
	return c.torrent(ctx, http.MethodPut, torrentPath(infoHash), fields, options...)
}

// ChangedTorrent is a torrent to change with others: which one, and the fields that are set.
type ChangedTorrent struct {
	InfoHash string `json:"info_hash"`
	TorrentFields
}

// ChangeTorrents changes all of these torrents (20,000 at most, none twice) or none; Problem.Index names the bad one.
func (c *Client) ChangeTorrents(ctx context.Context, changes []ChangedTorrent) ([]Torrent, error) {
	var changed []Torrent
	_, err := c.Do(ctx, http.MethodPatch, "/v1/torrents", append([]ChangedTorrent{}, changes...), &changed)
	return changed, err
}

// ChangeTorrent changes the fields that are set; a MultiplierDown of 0 is freeleech.
func (c *Client) ChangeTorrent(
	ctx context.Context, infoHash string, fields TorrentFields, options ...Option,
) (Torrent, error) {
	return c.torrent(ctx, http.MethodPatch, torrentPath(infoHash), fields, options...)
}

// DeleteTorrent deletes a torrent; reason is what those who still announce it read, and may be empty.
func (c *Client) DeleteTorrent(ctx context.Context, infoHash, reason string, options ...Option) error {
	path := torrentPath(infoHash)
	if reason != "" {
		path += "?" + url.Values{"reason": {reason}}.Encode()
	}
	_, err := c.Do(ctx, http.MethodDelete, path, nil, nil, options...)
	return err
}

func (c *Client) torrent(
	ctx context.Context, method, path string, body any, options ...Option,
) (Torrent, error) {
	var torrent Torrent
	header, err := c.Do(ctx, method, path, body, &torrent, options...)
	torrent.ETag = header.Get("ETag")
	return torrent, err
}

func torrentPath(infoHash string) string { return "/v1/torrents/" + url.PathEscape(infoHash) }
