package main

import (
	"encoding/json"
	"fmt"
	"time"
)

// handler answers one operation from the whole request object.
type handler func(body json.RawMessage) (any, error)

// typed makes a handler of a function that takes its own request type. A field
// that the type does not name is ignored, as "id" and "op" are.
func typed[Req, Res any](f func(Req) (Res, error)) handler {
	return func(body json.RawMessage) (any, error) {
		var req Req
		if err := json.Unmarshal(body, &req); err != nil {
			return nil, fmt.Errorf("oracle: bad request: %w", err)
		}
		return f(req)
	}
}

// ops is every operation by its name on the wire. It is filled by init functions
// beside the operations.
var ops = map[string]handler{}

func register(name string, h handler) struct{} {
	if _, dup := ops[name]; dup {
		panic("operation registered twice: " + name)
	}
	ops[name] = h
	return struct{}{}
}

// result is what every answer and every step of a play carries: exactly one of
// OK, Error and Panic.
type result struct {
	OK    any     `json:"ok,omitempty"`
	Error *string `json:"error,omitempty"`
	Panic *string `json:"panic,omitempty"`
}

type envelope struct {
	ID json.RawMessage `json:"id"`
	result
	NS int64 `json:"ns"`
}

// answer runs one request and encodes its answer, newline included.
func answer(line []byte) []byte {
	var head struct {
		ID json.RawMessage `json:"id"`
		Op string          `json:"op"`
	}
	out := envelope{ID: json.RawMessage("null")}
	if err := json.Unmarshal(line, &head); err != nil {
		out.result = failure(fmt.Errorf("oracle: bad request: %w", err))
	} else {
		if head.ID != nil {
			out.ID = head.ID
		}
		start := time.Now()
		out.result = guard(func() (any, error) {
			h, ok := ops[head.Op]
			if !ok {
				return nil, fmt.Errorf("oracle: no such operation %q", head.Op)
			}
			return h(line)
		})
		out.NS = time.Since(start).Nanoseconds()
	}
	enc, err := json.Marshal(out)
	if err != nil {
		out.result = failure(fmt.Errorf("oracle: encoding the answer: %w", err))
		enc, _ = json.Marshal(out)
	}
	return append(enc, '\n')
}

// guard runs f and turns its error or panic into a result.
func guard(f func() (any, error)) (res result) {
	defer func() {
		if p := recover(); p != nil {
			text := fmt.Sprint(p)
			res = result{Panic: &text}
		}
	}()
	ok, err := f()
	if err != nil {
		return failure(err)
	}
	return result{OK: ok}
}

func failure(err error) result {
	text := err.Error()
	return result{Error: &text}
}
