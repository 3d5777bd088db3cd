// The worker of the Go pack: see package frame. The programs of a build stand beside this file and register themselves.
package main

import "parity/frame"

func main() {
	frame.Main()
}
