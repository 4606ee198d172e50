package mika

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"time"
)

// Problem is a refusal of the tracker (RFC 9457).
//
//	var problem *mika.Problem
//	if errors.As(err, &problem) && problem.Status == http.StatusConflict { … }
type Problem struct {
	Status     int           `json:"status"`
	Title      string        `json:"title"`
	Detail     string        `json:"detail"` // a sentence for people
	Index      *int          `json:"index"`  // of the item of an array that it is about
	Errors     []FieldError  `json:"errors"`
	RetryAfter time.Duration `json:"-"` // when the tracker may be asked again, if it said so

	hasRetryAfter bool
}

// FieldError is one thing that is wrong with what was sent.
type FieldError struct {
	Index  *int   `json:"index"`
	Field  string `json:"field"`
	Detail string `json:"detail"`
}

// Error returns the problem in one line.
func (p *Problem) Error() string {
	if p.Detail == "" {
		return fmt.Sprintf("mika: %d %s", p.Status, p.Title)
	}
	return fmt.Sprintf("mika: %d %s: %s", p.Status, p.Title, p.Detail)
}

func (p *Problem) temporary() bool {
	return p.Status == http.StatusTooManyRequests || p.Status == http.StatusServiceUnavailable
}

func readProblem(response *http.Response, content []byte) *Problem {
	problem := &Problem{}
	if json.Unmarshal(content, problem) != nil || problem.Title == "" {
		*problem = Problem{Title: "not an answer of mika"}
	}
	problem.Status = response.StatusCode
	if seconds, err := strconv.ParseUint(response.Header.Get("Retry-After"), 10, 31); err == nil {
		problem.RetryAfter = time.Duration(seconds) * time.Second
		problem.hasRetryAfter = true
	}
	return problem
}
