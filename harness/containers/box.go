package containers

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"time"

	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/api/types/network"
	"github.com/moby/moby/client"
)

const (
	// portHTTP and portNATS are where roles listen, portControl where ours are told
	// what to do.
	portHTTP    = "8080"
	portNATS    = "4222"
	portControl = "9000"
)

// box is one container of a stage. It is safe for concurrent use.
type box struct {
	engine  client.APIClient
	id      string
	node    string   // of the plan, such as "cache/gw-1"
	port    string   // of the role, within the container
	nats    bool     // it speaks NATS there, and else HTTP
	data    string   // id of the data network
	aliases []string // its names on it

	mu  sync.Mutex
	out map[string]string // published addresses, by port within
}

// start starts the container and returns when the engine says that it runs. Its ports
// are published at other addresses then than before.
func (b *box) start(ctx context.Context) error {
	if _, err := b.engine.ContainerStart(ctx, b.id, client.ContainerStartOptions{}); err != nil {
		return fmt.Errorf("start %s: %w", b.node, err)
	}
	is, err := b.inspect(ctx)
	if err != nil {
		return err
	}
	return b.publish(is)
}

// inspect is what the engine says of the container.
func (b *box) inspect(ctx context.Context) (container.InspectResponse, error) {
	res, err := b.engine.ContainerInspect(ctx, b.id, client.ContainerInspectOptions{})
	if err != nil {
		return container.InspectResponse{}, fmt.Errorf("inspect %s: %w", b.node, err)
	}
	return res.Container, nil
}

// publish remembers where the ports of a container that runs are published.
func (b *box) publish(is container.InspectResponse) error {
	if err := b.endOf(is); err != nil {
		return err
	}
	out := published(is.NetworkSettings.Ports)
	if out[b.port] == "" {
		return fmt.Errorf("%s: the engine has published no port %s", b.node, b.port)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.out = out
	return nil
}

// published are addresses on this machine, by port within the container.
func published(ports network.PortMap) map[string]string {
	out := map[string]string{}
	for port, bindings := range ports {
		for _, at := range bindings {
			if at.HostIP == loopback {
				out[fmt.Sprint(port.Num())] = net.JoinHostPort(at.HostIP.String(), at.HostPort)
			}
		}
	}
	return out
}

// loopback is where ports are published.
var loopback = netip.AddrFrom4([4]byte{127, 0, 0, 1})

// published is the address on this machine of a port of the container, such as
// "127.0.0.1:32771". It is an error before the container has been started.
func (b *box) published(port string) (string, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	at := b.out[port]
	if at == "" {
		return "", fmt.Errorf("%s: port %s is not published", b.node, port)
	}
	return at, nil
}

// answers says whether the role answers at its published port: an HTTP response of
// any status, or the first line of NATS. That somebody takes the connection proves
// nothing, as the engine's proxy does so for a container that does not.
func (b *box) answers(ctx context.Context) error {
	at, err := b.published(b.port)
	if err != nil {
		return err
	}
	ask := askHTTP
	if b.nats {
		ask = askNATS
	}
	if err := ask(ctx, at); err != nil {
		return fmt.Errorf("%s does not answer: %w", b.node, err)
	}
	return nil
}

func askHTTP(ctx context.Context, at string) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodHead, "http://"+at+"/", nil)
	if err != nil {
		return err
	}
	req.Close = true
	once := &http.Transport{DisableKeepAlives: true}
	res, err := once.RoundTrip(req)
	if err != nil {
		return err
	}
	return res.Body.Close()
}

func askNATS(ctx context.Context, at string) error {
	var d net.Dialer
	conn, err := d.DialContext(ctx, "tcp", at)
	if err != nil {
		return err
	}
	defer conn.Close()
	stop := context.AfterFunc(ctx, func() { conn.SetDeadline(time.Unix(1, 0)) }) //nolint:errcheck // it is about to be closed
	defer stop()
	line, err := bufio.NewReader(io.LimitReader(conn, 4<<10)).ReadString('\n')
	if err == nil && !strings.HasPrefix(line, "INFO ") {
		err = errors.New("that is not NATS")
	}
	return err
}

// await waits until the role answers, the container ends or ctx does.
func (b *box) await(ctx context.Context) error { return b.until(ctx, b.answers) }

// until asks until there is no error, the container ends or ctx does.
func (b *box) until(ctx context.Context, ask func(context.Context) error) error {
	for {
		once, cancel := context.WithTimeout(ctx, time.Second)
		failed := ask(once)
		cancel()
		if failed == nil {
			return nil
		}
		if ended := b.ended(ctx); ended != nil {
			return ended
		}
		select {
		case <-ctx.Done():
			return failed
		case <-time.After(answersEvery):
		}
	}
}

// answersEvery is how often a role that does not answer yet is asked.
const answersEvery = 20 * time.Millisecond

// ended is an error if the container has ended.
func (b *box) ended(ctx context.Context) error {
	is, err := b.inspect(ctx)
	if err != nil {
		return nil // somebody else says so
	}
	return b.endOf(is)
}

func (b *box) endOf(is container.InspectResponse) error {
	if is.State.Running {
		return nil
	}
	return fmt.Errorf("%s has ended with %d%s", b.node, is.State.ExitCode, b.lastWords())
}

// lastWords is the last line that the container has written, after ": "; empty if it
// has written none.
func (b *box) lastWords() string {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	logs, err := b.engine.ContainerLogs(ctx, b.id, client.ContainerLogsOptions{ShowStdout: true, ShowStderr: true, Tail: "1"})
	if err != nil {
		return ""
	}
	defer logs.Close()
	text, _ := io.ReadAll(io.LimitReader(logs, 4<<10)) // what has come is worth telling
	const header = 8                                   // of each chunk of a stream
	if len(text) <= header {
		return ""
	}
	return ": " + strings.TrimSpace(string(text[header:]))
}
