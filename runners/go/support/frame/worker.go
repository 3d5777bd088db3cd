// Package frame is what stands around snippets: the worker, and what reports the SDK's answers raw.
//
// The worker runs each execution in a process of its own, since an SDK may keep state for the whole process
// (milvus-sdk-go before 2.4 has one cache of collections for all clients), and a program may end its process. A process
// takes 10 to 20 ms to start, so the next one is started before it is needed.
package frame

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"runtime/debug"
	"strings"
	"sync"
	"syscall"
)

const (
	executionArgument  = "execution"
	commandsDescriptor = 3 // The first and second of a process's ExtraFiles.
	answersDescriptor  = 4
	spares             = 2 // Processes that wait for an execution.
)

// SDKModule is the path of the module under test; the build sets it.
var SDKModule string

// Main is the worker, or one execution of it.
func Main() {
	if len(os.Args) > 1 && os.Args[1] == executionArgument {
		syscall.CloseOnExec(commandsDescriptor)
		syscall.CloseOnExec(answersDescriptor)
		execute(os.NewFile(commandsDescriptor, "commands"), os.NewFile(answersDescriptor, "answers"))
		return
	}
	serve(os.Stdin, os.Stdout)
}

type request struct {
	Nonce string `json:"nonce"`
	Run   string `json:"run"`
	Go    string `json:"go"`
	Skip  string `json:"skip"`
	Kill  string `json:"kill"`
}

type worker struct {
	output sync.Mutex
	stdout io.Writer
	nonce  string
	spare  chan *child
	mutex  sync.Mutex
	live   map[string]*child
}

// child is a process that waits for, or runs, one execution.
type child struct {
	process  *exec.Cmd
	commands *os.File
	answers  *os.File
	failed   error
	killed   bool
}

func serve(stdin io.Reader, stdout io.Writer) {
	w := &worker{stdout: stdout, spare: make(chan *child, spares), live: map[string]*child{}}
	for i := 0; i < spares; i++ {
		go w.spawn()
	}
	lines := bufio.NewReader(stdin)
	for {
		line, err := lines.ReadBytes('\n')
		if err != nil {
			return // The end of input; the processes of executions end with it.
		}
		w.handle(line)
	}
}

func (w *worker) handle(line []byte) {
	var asked request
	if err := json.Unmarshal(line, &asked); err != nil {
		fmt.Fprintf(os.Stderr, "A line from the harness is no request: %v\n", err)
		return
	}
	switch {
	case asked.Nonce != "":
		w.nonce = asked.Nonce
		w.write(map[string]any{"ready": 1, "sdk": sdkVersion(), "runtime": runtime.Version(), "kill": true})
	case asked.Run != "":
		go w.run(asked.Run, line) // It may have to wait for a process; others must not wait with it.
	case asked.Kill != "":
		w.kill(asked.Kill)
	case asked.Go != "":
		w.forward(asked.Go, line)
	case asked.Skip != "":
		w.forward(asked.Skip, line)
	}
}

// run gives an execution to a process that waits for one, starts another, and returns when the execution has ended.
func (w *worker) run(id string, line []byte) {
	started := <-w.spare
	go w.spawn()
	if started.failed != nil {
		w.write(answer{Execution: id, Crashed: started.failed.Error()})
		return
	}
	w.mutex.Lock()
	w.live[id] = started
	w.mutex.Unlock()
	w.forward(id, line)
	w.follow(id, started)
}

func (w *worker) forward(id string, line []byte) {
	w.mutex.Lock()
	running := w.live[id]
	w.mutex.Unlock()
	if running != nil {
		running.commands.Write(line) // Fails when the process is gone: follow says so.
	}
}

func (w *worker) kill(id string) {
	w.mutex.Lock()
	defer w.mutex.Unlock()
	if running := w.live[id]; running != nil {
		running.killed = true
		running.process.Process.Kill()
	}
}

// follow passes on what an execution says, until it is done or its process has ended.
func (w *worker) follow(id string, running *child) {
	done := false
	lines := bufio.NewReader(running.answers)
	for !done {
		line, err := lines.ReadBytes('\n')
		if err != nil {
			break
		}
		var said struct {
			Execution string `json:"execution"`
			Done      bool   `json:"done"`
		}
		if json.Unmarshal(line, &said) != nil || said.Execution != id {
			fmt.Fprintf(os.Stderr, "An execution said what is no answer: %s", line)
			continue
		}
		if done = said.Done; !done {
			w.write(json.RawMessage(line))
		}
	}
	if done {
		running.process.Process.Kill()
	}
	running.process.Wait()
	running.commands.Close()
	running.answers.Close()
	w.mutex.Lock()
	delete(w.live, id)
	killed := running.killed
	w.mutex.Unlock()
	switch {
	case done:
		w.write(answer{Execution: id, Done: true})
	case killed:
		w.write(answer{Execution: id, Crashed: "killed"})
	default:
		w.write(answer{Execution: id, Crashed: ending(running.process.ProcessState)})
	}
}

func ending(state *os.ProcessState) string {
	if status, ok := state.Sys().(syscall.WaitStatus); ok && status.Signaled() {
		return fmt.Sprintf("signal %d", int(status.Signal()))
	}
	return state.String()
}

// write sends one line; the lines of several executions never mix.
func (w *worker) write(line any) {
	encoded, err := json.Marshal(line)
	if err != nil {
		panic(err)
	}
	w.output.Lock()
	defer w.output.Unlock()
	if _, err := fmt.Fprintf(w.stdout, "%s %s\n", w.nonce, encoded); err != nil {
		os.Exit(1) // Nobody listens any more.
	}
}

// spawn starts the process of the next execution. What it prints goes to the log, never into the protocol.
func (w *worker) spawn() {
	started := &child{}
	started.failed = started.start()
	w.spare <- started
}

func (c *child) start() error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	commandsEnd, commands, err := os.Pipe()
	if err != nil {
		return err
	}
	defer commandsEnd.Close()
	answers, answersEnd, err := os.Pipe()
	if err != nil {
		commands.Close()
		return err
	}
	defer answersEnd.Close()
	c.process = exec.Command(self, executionArgument)
	c.process.Stdout, c.process.Stderr = os.Stderr, os.Stderr
	c.process.ExtraFiles = []*os.File{commandsEnd, answersEnd}
	if err := c.process.Start(); err != nil {
		commands.Close()
		answers.Close()
		return fmt.Errorf("the process of an execution did not start: %w", err)
	}
	c.commands, c.answers = commands, answers
	return nil
}

// sdkVersion is the version of the SDK as it was linked into this binary, without the leading v.
func sdkVersion() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return ""
	}
	for _, module := range info.Deps {
		if module.Path == SDKModule {
			return strings.TrimPrefix(module.Version, "v")
		}
	}
	return ""
}
