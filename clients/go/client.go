// Package mika is a client of the mika tracker's admin API, with nothing but the standard library.
//
//	client, err := mika.New(mika.Config{}) // MIKA_URL, MIKA_TOKEN and MIKA_CA from the environment
//	user, err := client.AddUser(ctx, mika.NewUser{Name: "ann"})
//	user, err = client.ChangeUser(ctx, user.ID, mika.UserFields{Role: mika.Set(int64(2))})
//
// A refusal of the tracker is a [*Problem], which errors.As finds. What else goes wrong is the error of net/http; a
// change that was asked for may then have been made, or not.
//
// A Client may be used by several goroutines.
package mika

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"strings"
	"time"
)

const (
	pageSize    = 1000 // items of a page: the most that the API gives
	longestWait = 30 * time.Second
)

// Config says where the tracker is. What is empty is taken from the environment, or has the default that is named.
type Config struct {
	URL      string        // MIKA_URL, else https://127.0.0.1:34001
	Token    string        // MIKA_TOKEN
	CAFile   string        // MIKA_CA: a PEM file of what alone is trusted; else the system's authorities
	Timeout  time.Duration // of each exchange: 30 s
	Attempts int           // at an idempotent request that is answered 429 or 503: 4
	HTTP     *http.Client  // instead of one that is made of the above
}

// Client is the API of one tracker.
type Client struct {
	url      string
	token    string
	attempts int
	http     *http.Client
}

// New checks a configuration and returns a client. It sends nothing.
func New(config Config) (*Client, error) {
	address := strings.TrimRight(first(config.URL, os.Getenv("MIKA_URL"), "https://127.0.0.1:34001"), "/")
	parsed, err := url.Parse(address)
	if err != nil || parsed.Hostname() == "" || (parsed.Scheme != "https" && parsed.Scheme != "http") {
		return nil, fmt.Errorf("mika: %q is no URL of an API, such as https://127.0.0.1:34001", address)
	}
	host := parsed.Hostname()
	if parsed.Scheme == "http" && host != "127.0.0.1" && host != "::1" && host != "localhost" {
		return nil, fmt.Errorf("mika: %s would show the token to the network: use https", address)
	}
	token := strings.TrimSpace(first(config.Token, os.Getenv("MIKA_TOKEN")))
	if token == "" {
		return nil, errors.New("mika: there is no token: give one, or set MIKA_TOKEN")
	}
	client := &Client{url: address, token: token, attempts: config.Attempts, http: config.HTTP}
	if client.attempts == 0 {
		client.attempts = 4
	}
	if client.http == nil {
		client.http, err = httpClient(first(config.CAFile, os.Getenv("MIKA_CA")), config.Timeout)
	}
	return client, err
}

func httpClient(caFile string, timeout time.Duration) (*http.Client, error) {
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.TLSClientConfig = &tls.Config{MinVersion: tls.VersionTLS12}
	if caFile != "" {
		pem, err := os.ReadFile(caFile)
		if err != nil {
			return nil, fmt.Errorf("mika: cannot read the certificates: %w", err)
		}
		transport.TLSClientConfig.RootCAs = x509.NewCertPool()
		if !transport.TLSClientConfig.RootCAs.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("mika: there is no certificate in %s", caFile)
		}
	}
	if timeout == 0 {
		timeout = 30 * time.Second
	}
	stay := func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse } // the token is for this address
	return &http.Client{Transport: transport, Timeout: timeout, CheckRedirect: stay}, nil
}

// Option is a condition of a change.
type Option func(http.Header)

// IfMatch makes a change depend on the ETag of what was read: when somebody else has changed it in between, the change
// is refused with a [*Problem] of status 412.
func IfMatch(etag string) Option {
	return func(header http.Header) { header.Set("If-Match", etag) }
}

// OnlyNew makes PutUser and PutTorrent create, and never replace: what is there already stays as it is, and is a [*Problem]
// of status 412.
func OnlyNew() Option {
	return func(header http.Header) { header.Set("If-None-Match", "*") }
}

// Set returns a pointer to a value: a field that is to be sent.
func Set[T any](value T) *T { return &value }

// Status is the tracker at a glance; Uptime is in seconds.
type Status struct {
	Version  string `json:"version"`
	Uptime   int64  `json:"uptime"`
	Swarms   int64  `json:"swarms"`
	Peers    int64  `json:"peers"`
	Users    int64  `json:"users"`
	Torrents int64  `json:"torrents"`
}

// Status asks how the tracker is.
func (c *Client) Status(ctx context.Context) (Status, error) {
	var status Status
	_, err := c.Do(ctx, http.MethodGet, "/v1/status", nil, &status)
	return status, err
}

// Do sends any request of the API: body becomes JSON unless it is nil, and the answer is read into out unless that is
// nil. It returns the answer's headers. GET, PUT and DELETE are sent again when the tracker says 429 or 503 and does not
// ask for more than half a minute of patience; POST and PATCH never are.
func (c *Client) Do(
	ctx context.Context, method, path string, body, out any, options ...Option,
) (http.Header, error) {
	var encoded []byte
	if body != nil {
		var err error
		if encoded, err = json.Marshal(body); err != nil {
			return nil, fmt.Errorf("mika: %w", err)
		}
	}
	for attempt := 1; ; attempt++ {
		header, err := c.once(ctx, method, path, encoded, out, options)
		var problem *Problem
		if !errors.As(err, &problem) || !problem.temporary() || !idempotent(method) || attempt >= c.attempts {
			return header, err
		}
		wait := 500 * time.Millisecond << (attempt - 1)
		if problem.hasRetryAfter {
			wait = problem.RetryAfter
		}
		if wait > longestWait {
			return header, err
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(wait):
		}
	}
}

func (c *Client) once(
	ctx context.Context, method, path string, body []byte, out any, options []Option,
) (http.Header, error) {
	request, err := http.NewRequestWithContext(ctx, method, c.url+path, bytes.NewReader(body))
	if err != nil {
		return nil, fmt.Errorf("mika: %w", err)
	}
	request.Header.Set("Authorization", "Bearer "+c.token)
	request.Header.Set("Accept", "application/json")
	if body != nil {
		request.Header.Set("Content-Type", "application/json")
	}
	for _, option := range options {
		option(request.Header)
	}
	response, err := c.http.Do(request)
	if err != nil {
		return nil, fmt.Errorf("mika: %w", err)
	}
	defer response.Body.Close()
	content, err := io.ReadAll(response.Body)
	if err != nil {
		return nil, fmt.Errorf("mika: %s %s: %w", method, path, err)
	}
	if response.StatusCode < 200 || response.StatusCode > 299 {
		return response.Header, readProblem(response, content)
	}
	if out != nil {
		if err := json.Unmarshal(content, out); err != nil {
			return nil, fmt.Errorf("mika: %s does not answer as mika does: is the URL right? %w", c.url+path, err)
		}
	}
	return response.Header, nil
}

// pages yields the items of a list, asking for a page when it is needed. An error ends the list.
func pages[T any](ctx context.Context, c *Client, path string) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		query := url.Values{"limit": {strconv.Itoa(pageSize)}}
		for {
			var page struct {
				Items []T     `json:"items"`
				Next  *string `json:"next"`
			}
			_, err := c.Do(ctx, http.MethodGet, path+"?"+query.Encode(), nil, &page)
			if err == nil && page.Next != nil && *page.Next == query.Get("after") {
				err = fmt.Errorf("mika: %s answers the same page again and again", path)
			}
			if err != nil {
				var none T
				yield(none, err)
				return
			}
			for _, item := range page.Items {
				if !yield(item, nil) {
					return
				}
			}
			if page.Next == nil {
				return
			}
			query.Set("after", *page.Next)
		}
	}
}

func idempotent(method string) bool {
	return method == http.MethodGet || method == http.MethodPut || method == http.MethodDelete
}

func first(values ...string) string {
	for _, value := range values {
		if value != "" {
			return value
		}
	}
	return ""
}
