package harness

import (
	"container/heap"
	"iter"
)

// stream draws planned requests in order of At, until it says false.
type stream func() (Request, bool)

// merge joins streams into one in order of At. Requests at the same instant keep
// the order of their streams, so that a plan is the same every time.
func merge(streams []stream) iter.Seq[Request] {
	return func(yield func(Request) bool) {
		h := make(heads, 0, len(streams))
		for i, s := range streams {
			if r, ok := s(); ok {
				h = append(h, head{r, s, i})
			}
		}
		heap.Init(&h)
		for len(h) > 0 {
			if !yield(h[0].next) {
				return
			}
			if r, ok := h[0].from(); ok {
				h[0].next = r
				heap.Fix(&h, 0)
			} else {
				heap.Pop(&h)
			}
		}
	}
}

// head is a stream with the request that it gives next.
type head struct {
	next  Request
	from  stream
	order int
}

// heads is a heap.Interface, earliest first.
type heads []head

func (h heads) Len() int      { return len(h) }
func (h heads) Swap(i, j int) { h[i], h[j] = h[j], h[i] }
func (h *heads) Push(x any)   { *h = append(*h, x.(head)) }

func (h heads) Less(i, j int) bool {
	if h[i].next.At != h[j].next.At {
		return h[i].next.At < h[j].next.At
	}
	return h[i].order < h[j].order
}

func (h *heads) Pop() any {
	last := len(*h) - 1
	x := (*h)[last]
	*h = (*h)[:last]
	return x
}
