// A net/http server as a worker under `henhouse start`: its port is the house's.
package main

import (
	"context"
	"errors"
	"fmt"
	"log"
	"net"
	"net/http"
	"os"

	henhouse "github.com/henhouse/henhouse/examples/go"
)

func main() {
	if err := run(context.Background()); err != nil {
		log.Fatal(err)
	}
}

func run(ctx context.Context) error {
	messenger, err := henhouse.Join(ctx, henhouse.Options{Name: "go"})
	if err != nil {
		return err
	}
	listener, err := henhouse.InheritedListener("")
	if listener == nil && err == nil {
		// Started by hand.
		listener, err = net.Listen("tcp", "127.0.0.1:7001")
	}
	if err != nil {
		return err
	}
	mux := http.NewServeMux()
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) { fmt.Fprintf(w, "%d\n", os.Getpid()) })
	mux.HandleFunc("/weather", func(w http.ResponseWriter, r *http.Request) {
		reply, err := messenger.Request(r.Context(), henhouse.ToAgent, "weather", map[string]string{"city": "Oslo"})
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadGateway)
			return
		}
		w.Header().Set("content-type", "application/json")
		w.Write(reply.Data)
	})
	server := &http.Server{Handler: mux}
	go func() {
		<-messenger.Draining()
		ctx, cancel := context.WithTimeout(ctx, messenger.Drain().Deadline)
		defer cancel()
		// Takes nothing new and finishes what it has; Close then ends Serve's caller, too.
		if err := server.Shutdown(ctx); err != nil {
			log.Print(err)
		}
		messenger.Close()
	}()
	if err := messenger.Ready(); err != nil {
		return err
	}
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	<-messenger.Done()
	return nil
}
