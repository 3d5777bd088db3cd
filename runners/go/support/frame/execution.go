package frame

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"reflect"
	"time"
)

// Program is the frame of one case: its snippets, one step each.
type Program func(execution *Execution)

var programs = map[string]Program{}

// Register makes a program known under its name. Programs call it before main runs.
func Register(name string, program Program) {
	programs[name] = program
}

// Execution is one run of a program, in a process of its own.
type Execution struct {
	id        string
	variables map[string]string
	commands  chan command
	answers   io.Writer
	value     any
}

// command is what the harness says of one execution.
type command struct {
	Run       string            `json:"run"`
	Program   string            `json:"program"`
	Variables map[string]string `json:"variables"`
	Go        string            `json:"go"`
	Skip      string            `json:"skip"`
	Step      int               `json:"step"`
}

// answer is what an execution says to the harness.
type answer struct {
	Execution    string   `json:"execution"`
	Waiting      int      `json:"waiting,omitempty"`
	Done         bool     `json:"done,omitempty"`
	Crashed      string   `json:"crashed,omitempty"`
	Step         int      `json:"step,omitempty"`
	Outcome      string   `json:"outcome,omitempty"`
	Value        any      `json:"value,omitempty"`
	Error        *failure `json:"error,omitempty"`
	Milliseconds *float64 `json:"milliseconds,omitempty"`
}

// Variable returns what the harness calls by that name, such as an address that is known only at run time.
func (e *Execution) Variable(name string) string {
	return e.variables[name]
}

// Value notes what the step that is under way has read. An empty slice is empty, whether it is nil or not.
func (e *Execution) Value(value any) {
	if read := reflect.ValueOf(value); read.Kind() == reflect.Slice && read.IsNil() {
		value = []any{}
	}
	e.value = value
}

// Step waits until the harness lets the step go, runs its snippet and reports what came of it.
func (e *Execution) Step(step int, snippet func(ctx context.Context) error) {
	e.send(answer{Execution: e.id, Waiting: step})
	if next := <-e.commands; next.Go == "" {
		return
	}
	e.value = nil
	started := time.Now()
	err, thrown := attempt(snippet)
	milliseconds := float64(time.Since(started).Nanoseconds()) / 1e6
	result := answer{Execution: e.id, Step: step, Milliseconds: &milliseconds}
	switch {
	case thrown != nil:
		result.Outcome, result.Error = "raised", thrown
	case err != nil:
		result.Outcome, result.Error = "error value", describe(err)
	default:
		result.Outcome, result.Value = "returned", e.value
	}
	e.send(result)
}

// attempt runs a snippet in a goroutine of its own: neither a panic nor runtime.Goexit ends the program.
func attempt(snippet func(ctx context.Context) error) (err error, thrown *failure) {
	ended := make(chan struct{})
	go func() {
		returned := false
		defer close(ended)
		defer func() {
			if !returned {
				thrown = describePanic(recover())
			}
		}()
		err = snippet(context.Background())
		returned = true
	}()
	<-ended
	return err, thrown
}

func (e *Execution) send(line answer) {
	encoded, err := json.Marshal(line)
	if err != nil {
		// A value that JSON does not have, such as NaN.
		line.Value = fmt.Sprint(line.Value)
		encoded, _ = json.Marshal(line)
	}
	e.answers.Write(append(encoded, '\n'))
}

// execute runs one program as the harness commands; it ends with the process's exit.
func execute(commands io.Reader, answers io.Writer) {
	decoder := json.NewDecoder(commands)
	var first command
	if decoder.Decode(&first) != nil {
		os.Exit(0) // Not needed: the worker ended first.
	}
	program, known := programs[first.Program]
	if !known {
		fmt.Fprintf(os.Stderr, "There is no program %q in this build.\n", first.Program)
		os.Exit(2)
	}
	execution := &Execution{
		id:        first.Run,
		variables: first.Variables,
		commands:  make(chan command, 1),
		answers:   answers,
	}
	go func() {
		for {
			var next command
			if decoder.Decode(&next) != nil {
				os.Exit(0) // The worker is gone; whatever the program does, it must not outlive it.
			}
			execution.commands <- next
		}
	}()
	program(execution)
	execution.send(answer{Execution: execution.id, Done: true})
}
