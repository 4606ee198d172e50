package mika

import (
	"context"
	"iter"
	"net/http"
	"net/url"
	"strconv"
)

// Role is a class of users; nil is no limit of its own.
type Role struct {
	ID                  int64   `json:"id"`
	Name                string  `json:"name"`
	Priority            int32   `json:"priority"`
	MultiplierUp        float64 `json:"multiplier_up"`
	MultiplierDown      float64 `json:"multiplier_down"`
	DownloadEnabled     bool    `json:"download_enabled"`
	UploadEnabled       bool    `json:"upload_enabled"`
	DownloadSlots       *int32  `json:"download_slots"`
	PeersPerUserTorrent *int32  `json:"peers_per_user_torrent"`
}

// RoleFields is what of a role can be set; nil leaves a field out.
type RoleFields struct {
	Name                *string  `json:"name,omitempty"`
	Priority            *int32   `json:"priority,omitempty"`
	MultiplierUp        *float64 `json:"multiplier_up,omitempty"`
	MultiplierDown      *float64 `json:"multiplier_down,omitempty"`
	DownloadEnabled     *bool    `json:"download_enabled,omitempty"`
	UploadEnabled       *bool    `json:"upload_enabled,omitempty"`
	DownloadSlots       *int32   `json:"download_slots,omitempty"`
	PeersPerUserTorrent *int32   `json:"peers_per_user_torrent,omitempty"`
}

// WhitelistedClient is a peer id prefix whose clients are served, and what they are called.
type WhitelistedClient struct {
	Prefix string `json:"prefix"`
	Name   string `json:"name"`
}

// Roles yields all roles in order of id.
func (c *Client) Roles(ctx context.Context) iter.Seq2[Role, error] {
	return pages[Role](ctx, c, "/v1/roles")
}

// AddRole adds a role; only a name is needed.
func (c *Client) AddRole(ctx context.Context, fields RoleFields) (Role, error) {
	var role Role
	_, err := c.Do(ctx, http.MethodPost, "/v1/roles", fields, &role)
	return role, err
}

// ChangeRole changes the fields that are set; it counts from its users' next announces.
func (c *Client) ChangeRole(ctx context.Context, id int64, fields RoleFields) (Role, error) {
	var role Role
	_, err := c.Do(ctx, http.MethodPatch, rolePath(id), fields, &role)
	return role, err
}

// DeleteRole deletes a role; its users count as having the default one.
func (c *Client) DeleteRole(ctx context.Context, id int64) error {
	_, err := c.Do(ctx, http.MethodDelete, rolePath(id), nil, nil)
	return err
}

// Whitelist yields the whitelisted clients in order of prefix.
func (c *Client) Whitelist(ctx context.Context) iter.Seq2[WhitelistedClient, error] {
	return pages[WhitelistedClient](ctx, c, "/v1/whitelist")
}

// AllowClient whitelists the clients whose peer id begins with prefix.
func (c *Client) AllowClient(ctx context.Context, prefix, name string) error {
	body := map[string]string{"name": name}
	_, err := c.Do(ctx, http.MethodPut, "/v1/whitelist/"+url.PathEscape(prefix), body, nil)
	return err
}

// DisallowClient takes a prefix off the whitelist.
func (c *Client) DisallowClient(ctx context.Context, prefix string) error {
	_, err := c.Do(ctx, http.MethodDelete, "/v1/whitelist/"+url.PathEscape(prefix), nil, nil)
	return err
}

func rolePath(id int64) string { return "/v1/roles/" + strconv.FormatInt(id, 10) }
