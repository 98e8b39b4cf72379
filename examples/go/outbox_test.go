package henhouse

import (
	"context"
	"io"
	"net"
	"strings"
	"testing"
)

// A breaking connection takes so many bytes, a few at a time, and breaks.
type breaking struct {
	net.Conn
	taken        []byte
	size, atOnce int
}

func (b *breaking) Write(p []byte) (int, error) {
	for n := 0; ; {
		took := b.size - len(b.taken)
		if took > b.atOnce {
			took = b.atOnce
		}
		if took > len(p)-n {
			took = len(p) - n
		}
		if took == 0 && n < len(p) {
			return n, io.ErrClosedPipe
		}
		b.taken = append(b.taken, p[n:n+took]...)
		if n += took; n == len(p) {
			return n, nil
		}
	}
}

func TestWhatHadNotLeftWholeIsSentAgainWhereverTheConnectionBreaks(t *testing.T) {
	frames := []string{"first", "x", "a third one", strings.Repeat("y", 40), "last"}
	all := strings.Join(frames, "")
	for size := 0; size < len(all); size++ {
		o := newOutbox()
		for i, f := range frames {
			if err := o.pushInTurn(context.Background(), waiting{[]byte(f), uint64(i + 1)}, func() {}); err != nil {
				t.Fatal(err)
			}
		}
		if err := o.push(waiting{bytes: []byte("pong")}); err != nil {
			t.Fatal(err)
		}
		first := &breaking{size: size, atOnce: 7}
		o.writeTo(first, nil)
		whole, bytes := 0, 0
		for whole < len(frames) && bytes+len(frames[whole]) <= size {
			bytes += len(frames[whole])
			whole++
		}
		o.withUnsent(func(ids map[uint64]bool) {
			for i := range frames {
				if ids[uint64(i+1)] != (i >= whole) {
					t.Error(size, ids)
				}
			}
		})
		o.startAgain(waiting{bytes: []byte("ready")})
		want := "ready" + strings.Join(frames[whole:], "")
		// One byte less than all, so that it ends.
		next := &breaking{size: len(want) - 1, atOnce: 1000}
		o.writeTo(next, nil)
		if string(first.taken) != all[:size] || string(next.taken) != want[:len(want)-1] {
			t.Errorf("%d: %q, then %q", size, first.taken, next.taken)
		}
	}
}
