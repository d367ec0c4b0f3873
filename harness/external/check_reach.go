package external

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"syscall"
	"time"
)

// reach asks every gateway without a token, and says which of them answer.
func (e *examiner) reach(ctx context.Context) {
	all := slices.Repeat([]bool{true}, len(e.reached))
	e.bare = e.ask(ctx, all, e.Target.Probe.Path, "")
	for g, a := range e.bare {
		what := "gateway " + e.Target.Gateways[g].Name
		if a.err != nil {
			says, fix := e.unreachable(a)
			e.say(ctx, Finding{What: what, State: Fails, Says: says, Fix: fix})
			continue
		}
		e.reached[g] = true
		e.say(ctx, Finding{What: what, State: Works, Says: fmt.Sprintf("answers in %s over %s", brief(a.got.Sub(a.sent)), protocol(a.Response))})
	}
	if e.Target.Connection.Insecure {
		e.say(ctx, Finding{What: "TLS", State: Doubt, Says: "certificates are not verified, and the report says so",
			Fix: "name what signed them in connection.ca_file, in the place of insecure"})
	}
}

// protocol is what an answer came over.
func protocol(r *http.Response) string {
	if r.TLS == nil {
		return r.Proto + ", no TLS"
	}
	return r.Proto + ", " + tls.VersionName(r.TLS.Version)
}

// unreachable says why an answer is none.
func (e *examiner) unreachable(a answer) (says, fix string) {
	if a.Response == nil {
		return trouble(a.err, e.timeout)
	}
	switch {
	case errors.Is(a.err, errPlainToTLS):
		return a.err.Error(), "write https:// in url, or correct its port"
	case errors.Is(a.err, errBodyTooLong):
		says = a.err.Error()
	case isTimeout(a.err):
		says = fmt.Sprintf("the body of the answer has no end within %v", e.timeout)
	default:
		says = "the body of the answer breaks off"
	}
	return fmt.Sprintf("%d, but %s", a.StatusCode, says), "probe a path with a short answer"
}

// trouble says why a request got no answer within a time, and what to change.
func trouble(err error, timeout time.Duration) (says, fix string) {
	if says, fix = badCertificate(err); says != "" {
		return says, fix
	}
	dns, isDNS := errors.AsType[*net.DNSError](err)
	op, isOp := errors.AsType[*net.OpError](err)
	dialling := isOp && op.Op == "dial"
	switch {
	case isDNS:
		return fmt.Sprintf("the name %s is not known", dns.Name), "correct url, or say where it is with connect"
	case dialling && isTimeout(err):
		return fmt.Sprintf("no connection to %v in time", op.Addr), "open the way there (VPN, firewall), or correct url or connect"
	case dialling && errors.Is(err, syscall.ECONNREFUSED):
		return fmt.Sprintf("nothing listens at %v", op.Addr), "start it, or correct url or connect"
	case dialling:
		return fmt.Sprintf("no connection to %v: %v", op.Addr, op.Err), "open the way there (VPN, firewall), or correct url or connect"
	case isTimeout(err):
		return fmt.Sprintf("no answer within %v", timeout), "see why it is slow, or raise connection.timeout"
	}
	return broken(err)
}

// broken says what else than an answer came.
func broken(err error) (says, fix string) {
	if other, ok := errors.AsType[tls.RecordHeaderError](err); ok && string(other.RecordHeader[:]) == "HTTP/" {
		return "it speaks plain HTTP where TLS was expected", "write http:// in url, or correct its port"
	}
	text := err.Error() // net/http and crypto/tls have no types for what follows
	has := func(part string) bool { return strings.Contains(text, part) }
	const elsewhere = "correct the port or the scheme of url"
	switch {
	case has("certificate required"), has("bad certificate"), has("certificate unknown"):
		return "it asks for a client certificate that it trusts", "name one in connection.cert_file and key_file"
	case has("tls: "):
		return "no TLS with it: " + text[strings.Index(text, "tls: ")+5:], elsewhere
	case has("malformed HTTP"), has("malformed MIME"):
		return "what it answers is not HTTP", elsewhere
	case has("server response headers exceeded"):
		return "the header of its answer is longer than 64 KB", "see what it sends"
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE):
		return "it closed the connection before an answer", "see its log, and whether url has the right scheme and port"
	}
	return "no answer: " + text, "see its log"
}

// badCertificate says what is wrong with a certificate; empty if it is not that.
func badCertificate(err error) (says, fix string) {
	if invalid, ok := errors.AsType[x509.CertificateInvalidError](err); ok {
		if invalid.Reason != x509.Expired {
			return "its certificate is not valid: " + invalid.Error(), "replace it"
		}
		if from := invalid.Cert.NotBefore; time.Now().Before(from) {
			return "its certificate is not valid before " + day(from), "replace it, or set our clock"
		}
		return "its certificate expired on " + day(invalid.Cert.NotAfter), "renew it"
	}
	if wrong, ok := errors.AsType[x509.HostnameError](err); ok {
		return fmt.Sprintf("its certificate is for %s and not for %s", names(wrong.Certificate), wrong.Host),
			"write a name of the certificate in url, and where to dial in connect"
	}
	if _, ok := errors.AsType[x509.UnknownAuthorityError](err); ok {
		return "its certificate is signed by nobody that is trusted here", "name what signed it in connection.ca_file"
	}
	return "", ""
}

func day(t time.Time) string { return t.UTC().Format(time.DateOnly) }

// names are what a certificate is for, three at most.
func names(c *x509.Certificate) string {
	all := slices.Clone(c.DNSNames)
	for _, ip := range c.IPAddresses {
		all = append(all, ip.String())
	}
	if len(all) == 0 {
		return "no host at all"
	}
	return strings.Join(all[:min(len(all), 3)], ", ")
}

// isTimeout says whether an error is that of a deadline.
func isTimeout(err error) bool {
	slow, ok := errors.AsType[net.Error](err)
	return errors.Is(err, context.DeadlineExceeded) || ok && slow.Timeout()
}

// brief is a duration with two digits.
func brief(d time.Duration) string {
	unit := time.Nanosecond
	for unit*100 <= d {
		unit *= 10
	}
	return d.Round(unit).String()
}
