package mika

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

const userJSON = `{"id": 1, "name": "ann", "passkey": "p", "role": 1, "enabled": true, "download_enabled": true,
 "upload_enabled": true, "uploaded": 9223372036854775807, "downloaded": 2, "uploaded_real": 0, "downloaded_real": 0,
 "bonus": "12.5", "seed_seconds": 0, "announces": 0, "multiplier_up": 1.5, "multiplier_down": 0, "remote_id": null,
 "created_at": "2026-11-22T10:00:00Z", "updated_at": "2026-11-22T10:00:00Z", "of_tomorrow": 1}`

// serve returns a client of a server that answers with the answers in turn, and a function that returns what it was sent.
func serve(t *testing.T, answers ...http.HandlerFunc) (*Client, func() []string) {
	t.Helper()
	var requests []string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		requests = append(requests, strings.TrimSpace(fmt.Sprintf("%s %s %s", r.Method, r.URL, body)))
		answers[min(len(requests), len(answers))-1](w, r)
	}))
	t.Cleanup(server.Close)
	client, err := New(Config{URL: server.URL + "/", Token: "secret", Timeout: 10 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	return client, func() []string { return requests }
}

func answer(status int, body string, headers ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		for at := 0; at < len(headers); at += 2 {
			w.Header().Set(headers[at], headers[at+1])
		}
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}
}

var busy = answer(503, `{"title": "Service Unavailable", "status": 503, "detail": "A store is away."}`, "Retry-After", "0")

func problemOf(t *testing.T, err error) *Problem {
	t.Helper()
	var problem *Problem
	if !errors.As(err, &problem) {
		t.Fatalf("no Problem, but %v", err)
	}
	return problem
}

func TestIdempotentRequestsAreSentAgain(t *testing.T) {
	for method, times := range map[string]int{"GET": 3, "PUT": 3, "DELETE": 3, "POST": 1, "PATCH": 1} {
		t.Run(method, func(t *testing.T) {
			client, requests := serve(t, busy, busy, answer(200, `{}`))
			_, err := client.Do(context.Background(), method, "/v1/status", nil, nil)
			if (err == nil) != (times == 3) || len(requests()) != times {
				t.Errorf("%v after %v", err, requests())
			}
		})
	}
}

func TestPatienceHasAnEnd(t *testing.T) {
	client, requests := serve(t, busy)
	_, err := client.User(context.Background(), 1)
	if problem := problemOf(t, err); problem.Status != 503 || len(requests()) != 4 {
		t.Errorf("%v after %v", err, requests())
	}
	client, requests = serve(t, answer(429, "", "Retry-After", "3600"))
	_, err = client.User(context.Background(), 1)
	if problem := problemOf(t, err); problem.RetryAfter != time.Hour || len(requests()) != 1 {
		t.Errorf("%v after %v", err, requests())
	}
}

func TestWaitingEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	client, _ := serve(t, func(w http.ResponseWriter, r *http.Request) {
		answer(503, "", "Retry-After", "29")(w, r)
		cancel()
	})
	if _, err := client.User(ctx, 1); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

func TestProblemsNameFields(t *testing.T) {
	client, _ := serve(t, answer(422, `{"type": "about:blank", "title": "Unprocessable Content", "status": 422, "index": 3,
		"detail": "item 3: size: greater than or equal to 0",
		"errors": [{"index": 3, "field": "size", "detail": "greater than or equal to 0"}]}`))
	_, err := client.AddTorrents(context.Background(), nil)
	problem := problemOf(t, err)
	if *problem.Index != 3 || len(problem.Errors) != 1 || problem.Errors[0].Field != "size" {
		t.Errorf("%+v", problem)
	}
	if err.Error() != "mika: 422 Unprocessable Content: item 3: size: greater than or equal to 0" {
		t.Error(err)
	}
}

func TestWhatIsNotMikaIsSaid(t *testing.T) {
	client, _ := serve(t, answer(502, "<h1>Bad Gateway</h1>"))
	if _, err := client.User(context.Background(), 1); problemOf(t, err).Status != 502 {
		t.Error(err)
	}
	client, _ = serve(t, answer(200, "<h1>Welcome</h1>"))
	if _, err := client.User(context.Background(), 1); err == nil || !strings.Contains(err.Error(), "as mika does") {
		t.Error(err)
	}
	client, requests := serve(t, answer(302, "", "Location", "/elsewhere"))
	if _, err := client.User(context.Background(), 1); problemOf(t, err).Status != 302 || len(requests()) != 1 {
		t.Error(err, requests())
	}
}

func TestSilenceEnds(t *testing.T) {
	release := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-release }))
	defer server.Close()
	defer close(release)
	client, err := New(Config{URL: server.URL, Token: "secret", Timeout: 50 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	var timeout interface{ Timeout() bool }
	if _, err := client.User(context.Background(), 1); !errors.As(err, &timeout) || !timeout.Timeout() {
		t.Error(err)
	}
}

func TestRequestsHoldTokenConditionAndChangesOnly(t *testing.T) {
	var header http.Header
	client, requests := serve(t, func(w http.ResponseWriter, r *http.Request) {
		header = r.Header
		answer(200, userJSON, "ETag", `"two"`)(w, r)
	})
	fields := UserFields{Enabled: Set(false), Uploaded: Set(int64(1<<63 - 1))}
	user, err := client.ChangeUser(context.Background(), 1, fields, IfMatch(`"one"`))
	if err != nil {
		t.Fatal(err)
	}
	if header.Get("Authorization") != "Bearer secret" || header.Get("If-Match") != `"one"` {
		t.Error(header)
	}
	if sent := requests()[0]; sent != `PATCH /v1/users/1 {"enabled":false,"uploaded":9223372036854775807}` {
		t.Error(sent)
	}
	if user.ETag != `"two"` || user.Uploaded != 1<<63-1 || user.Bonus != "12.5" || user.RemoteID != nil {
		t.Errorf("%+v", user)
	}
	ratio, ok := user.Ratio()
	_, none := User{Uploaded: 5}.Ratio()
	if !ok || ratio != float64(1<<62) || none {
		t.Error(ratio, ok, none)
	}
}

func TestPagesAreAskedForAsTheyAreNeeded(t *testing.T) {
	page := func(next string) http.HandlerFunc { return answer(200, `{"items": [`+userJSON+`], "next": `+next+`}`) }
	client, requests := serve(t, page(`"a b"`), page("null"))
	for range client.Users(context.Background()) {
		break
	}
	if len(requests()) != 1 {
		t.Error(requests())
	}
	client, requests = serve(t, page(`"a b"`), page("null"))
	count := 0
	for user, err := range client.Users(context.Background()) {
		if err != nil || user.Name != "ann" {
			t.Error(user, err)
		}
		count++
	}
	if sent := requests(); count != 2 || len(sent) != 2 || sent[1] != "GET /v1/users?after=a+b&limit=1000" {
		t.Error(count, sent)
	}
	client, _ = serve(t, page(`"1"`))
	var last error
	for _, err := range client.Users(context.Background()) {
		last = err
	}
	if last == nil || !strings.Contains(last.Error(), "again and again") {
		t.Error(last)
	}
}

func TestConfigurationThatCannotWorkIsRefused(t *testing.T) {
	t.Setenv("MIKA_TOKEN", "")
	for _, config := range []Config{
		{URL: "https://127.0.0.1:34001"},
		{URL: "http://tracker.example", Token: "secret"},
		{URL: "ftp://127.0.0.1", Token: "secret"},
		{URL: "127.0.0.1:34001", Token: "secret"},
		{Token: "secret", CAFile: "/there/is/no/such/file"},
		{Token: "secret", CAFile: "go.mod"},
	} {
		if _, err := New(config); err == nil {
			t.Errorf("%+v was taken", config)
		}
	}
}

func TestEnvironmentSaysWhereTheTrackerIs(t *testing.T) {
	server := httptest.NewServer(answer(200, `{"version": "1"}`))
	defer server.Close()
	t.Setenv("MIKA_URL", server.URL)
	t.Setenv("MIKA_TOKEN", "secret\n")
	t.Setenv("MIKA_CA", "")
	client, err := New(Config{})
	if err != nil {
		t.Fatal(err)
	}
	if status, err := client.Status(context.Background()); err != nil || status.Version != "1" {
		t.Error(status, err)
	}
}

func TestNewUserNamesItsNameOnce(t *testing.T) {
	encoded, err := json.Marshal(NewUser{ID: 4, Name: "ann", UserFields: UserFields{Role: Set(int64(2))}})
	if err != nil || string(encoded) != `{"id":4,"name":"ann","role":2}` {
		t.Error(string(encoded), err)
	}
}
