package frame

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"runtime"
	"strings"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// Code takes the Milvus error code out of an error, where the SDK has a way to do that; the build sets it.
var Code = func(err error) (code int32, exposed bool) { return 0, false }

const deepest = 10

// failure is an error as the harness wants it told: raw, without judgement.
type failure struct {
	Classes []string       `json:"classes"`
	Message string         `json:"message"`
	Fields  map[string]any `json:"fields,omitempty"`
	Cause   *failure       `json:"cause,omitempty"`
}

func describe(err error) *failure {
	told := describeOne(err, 0)
	if code, exposed := Code(err); exposed {
		told.Fields["code"] = code
	}
	// Said of the whole chain, as callers ask: errors.Is and status.FromError look through wrapped errors.
	if found, ok := status.FromError(err); ok {
		told.Fields["grpc_code"] = grpcName(found.Code())
	}
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		told.Fields["is"] = "context.DeadlineExceeded"
	case errors.Is(err, context.Canceled):
		told.Fields["is"] = "context.Canceled"
	}
	return told
}

func describeOne(err error, depth int) *failure {
	told := &failure{
		Classes: []string{typeName(err), "error"},
		Message: message(err),
		Fields:  exportedFields(err),
	}
	if cause := unwrap(err); cause != nil && depth < deepest {
		told.Cause = describeOne(cause, depth+1)
	}
	return told
}

func unwrap(err error) error {
	switch wrapping := err.(type) {
	case interface{ Unwrap() error }:
		return wrapping.Unwrap()
	case interface{ Unwrap() []error }:
		for _, inner := range wrapping.Unwrap() {
			if inner != nil {
				return inner
			}
		}
	}
	return nil
}

// describePanic tells of a panic, and of the function in which it came about. It is called while the goroutine panics;
// nil is what recover returns in one that ended by runtime.Goexit.
func describePanic(thrown any) *failure {
	if thrown == nil {
		return &failure{Classes: []string{"runtime.Goexit"}, Message: "the goroutine was ended by runtime.Goexit"}
	}
	told := &failure{Message: fmt.Sprint(thrown), Fields: map[string]any{}}
	if err, ok := thrown.(error); ok {
		told = describe(err)
	} else {
		told.Classes = []string{typeName(thrown)}
	}
	if _, ok := thrown.(runtime.Error); ok {
		told.Classes = append(told.Classes, "runtime.Error")
	}
	told.Classes = append(told.Classes, "panic")
	told.Fields["in"] = panickedIn()
	return told
}

// panickedIn is the function that panicked: the innermost outside the runtime below the call of panic.
func panickedIn() string {
	counters := make([]uintptr, 64)
	frames := runtime.CallersFrames(counters[:runtime.Callers(1, counters)])
	panicking := false
	for {
		frame, more := frames.Next()
		switch {
		case frame.Function == "runtime.gopanic":
			panicking = true
		case panicking && !strings.HasPrefix(frame.Function, "runtime."):
			return frame.Function
		}
		if !more {
			return ""
		}
	}
}

// typeName is the name of a type with the path of its package, as in google.golang.org/grpc/internal/status.Error.
func typeName(value any) string {
	named := reflect.TypeOf(value)
	for named.Kind() == reflect.Pointer {
		named = named.Elem()
	}
	if named.PkgPath() == "" {
		return named.String()
	}
	return named.PkgPath() + "." + named.Name()
}

func message(err error) (text string) {
	defer func() {
		if thrown := recover(); thrown != nil {
			text = fmt.Sprintf("(its Error method panicked: %v)", thrown)
		}
	}()
	return err.Error()
}

func exportedFields(err error) map[string]any {
	fields := map[string]any{}
	value := reflect.ValueOf(err)
	for value.Kind() == reflect.Pointer && !value.IsNil() {
		value = value.Elem()
	}
	if value.Kind() != reflect.Struct {
		return fields
	}
	for index := 0; index < value.NumField(); index++ {
		field := value.Type().Field(index)
		if !field.IsExported() {
			continue
		}
		switch content := value.Field(index); content.Kind() {
		case reflect.Bool:
			fields[field.Name] = content.Bool()
		case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
			fields[field.Name] = content.Int()
		case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
			fields[field.Name] = content.Uint()
		case reflect.String:
			fields[field.Name] = content.String()
		}
	}
	return fields
}

// grpcName is the name of a code as gRPC's specification has it: DEADLINE_EXCEEDED, not DeadlineExceeded.
func grpcName(code codes.Code) string {
	switch code {
	case codes.OK:
		return "OK"
	case codes.Canceled:
		return "CANCELLED"
	}
	var name strings.Builder
	for index, letter := range code.String() {
		if index > 0 && letter >= 'A' && letter <= 'Z' {
			name.WriteByte('_')
		}
		name.WriteRune(letter)
	}
	return strings.ToUpper(name.String())
}
