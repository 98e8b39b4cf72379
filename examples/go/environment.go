package henhouse

import (
	"fmt"
	"net"
	"os"
	"strconv"
	"strings"
)

// Sockets are passed as systemd passes them: from descriptor 3 on, in the order of their names.
const firstDescriptor = 3

// An Identity is who the process layer says we are; nil outside of it.
type Identity struct {
	Index       int // the worker's slot
	Incarnation int // one more for each process ever started
	Generation  int // one more for each reload
}

// WhoAmI reads the identity from the environment.
func WhoAmI() *Identity {
	number := func(name string) int {
		n, err := strconv.Atoi(os.Getenv("HENHOUSE_" + name))
		if err != nil {
			return 0
		}
		return n
	}
	if os.Getenv("HENHOUSE_INCARNATION") == "" {
		return nil
	}
	return &Identity{number("INDEX"), number("INCARNATION"), number("GENERATION")}
}

// InheritedListener is the inherited listening socket of that name, or the first where name is
// empty; nil where there is none, so that a worker also starts by hand.
func InheritedListener(name string) (net.Listener, error) {
	// A shell may stand between the master and us. Past our parent, the sockets are not ours:
	// the variables are inherited further than they hold.
	pid, _ := strconv.Atoi(os.Getenv("LISTEN_PID"))
	if pid != os.Getpid() && pid != os.Getppid() {
		return nil, nil
	}
	count, _ := strconv.Atoi(os.Getenv("LISTEN_FDS"))
	names := strings.Split(os.Getenv("LISTEN_FDNAMES"), ":")
	for i := 0; i < count; i++ {
		if name == "" || i < len(names) && names[i] == name {
			// FileListener duplicates the descriptor; closing the file leaves it.
			file := os.NewFile(uintptr(firstDescriptor+i), fmt.Sprintf("listener %d", i))
			defer file.Close()
			return net.FileListener(file)
		}
	}
	return nil, nil
}
