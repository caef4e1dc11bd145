package registrar

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/sipscript/sipscript/engine/location"
	"github.com/sipscript/sipscript/sip"
)

// register is a REGISTER as far as it can be understood without the bindings there are.
type register struct {
	aor      string
	callID   string
	cseq     uint32
	now      time.Time
	fetch    bool // no Contact: only lists
	star     bool // "*": removes all
	contacts []contact
	path     []string

	maxContacts int
	replace     bool
}

// contact is one Contact of a REGISTER.
type contact struct {
	uri     sip.URI
	remove  bool             // it asked for 0 seconds
	binding location.Binding // what it is to become
}

// read follows RFC 3261 §10.3 item by item, as far as no binding is needed, and returns the refusal of the first that fails.
func read(req *sip.Message, flow sip.Flow, o *Options, local func(*sip.URI) bool, now time.Time) (*register, *refusal) {
	to, err := req.To()
	if err != nil {
		return nil, refuse(400, "Bad To")
	}
	if !to.URI.IsSIP() && !to.URI.IsSIPS() { // RFC 3261 §10.2; any other scheme names no domain of ours
		return nil, refuse(400, "To Is No SIP URI")
	}
	domain, err := req.URI()
	if err != nil {
		return nil, refuse(400, "Bad Request-URI")
	}
	if !local(domain) { // item 1; forwarding it, as a proxy would, is the caller's choice before it comes here
		return nil, refuse(404, sip.Reason(404))
	}
	if no := checkRequire(req); no != nil { // item 2
		return nil, no
	}
	r := &register{aor: o.AOR(&to.URI), callID: req.CallID(), now: now, maxContacts: o.MaxContacts, replace: o.WhenFull == Replace}
	if no := checkUser(req, r.aor, o); no != nil { // items 3 and 4
		return nil, no
	}
	if to.URI.User == "" || !local(&to.URI) || !sameDomain(domain, r.aor, o) { // item 5
		return nil, refuse(404, sip.Reason(404))
	}
	cseq, err := req.CSeq()
	if err != nil {
		return nil, refuse(400, "Bad CSeq")
	}
	r.cseq = cseq.Number
	if no := r.readPath(req, o); no != nil {
		return nil, no
	}
	return r, r.readContacts(req, to, flow, o) // items 6 and 7
}

// checkRequire refuses extensions that this registrar does not have (RFC 3261 §8.2.2.3).
func checkRequire(req *sip.Message) *refusal {
	required, err := req.Tokens(sip.Require)
	if err != nil {
		return refuse(400, "Bad Require")
	}
	unsupported := slices.DeleteFunc(slices.Clone(required), func(tag string) bool { return strings.EqualFold(tag, "path") })
	if len(unsupported) > 0 {
		return refuse(420, sip.Reason(420), sip.Field{Name: "Unsupported", Value: strings.Join(unsupported, ", ")})
	}
	return nil
}

// checkUser refuses a registration for somebody else. Who registers is the authenticated user, else the one in From.
func checkUser(req *sip.Message, aor string, o *Options) *refusal {
	if o.ThirdParty {
		return nil
	}
	_, address, _ := strings.Cut(aor, ":")
	if o.User == "" {
		from, err := req.From()
		if err != nil {
			return refuse(400, "Bad From")
		}
		if _, sender, _ := strings.Cut(o.AOR(&from.URI), ":"); sender != address {
			return refuse(403, "Third-Party Registration")
		}
		return nil
	}
	if at := strings.LastIndexByte(address, '@'); o.User != address && (at < 0 || o.User != address[:at]) {
		return refuse(403, sip.Reason(403))
	}
	return nil
}

// sameDomain reports whether an AOR belongs to the domain that the Request-URI names. A phone that was given nothing but an address of ours
// names that, for whatever domain it registers.
func sameDomain(requestURI *sip.URI, aor string, o *Options) bool {
	if _, ok := requestURI.Addr(); ok {
		return true
	}
	return strings.EqualFold(domainOf(o.AOR(requestURI)), domainOf(aor))
}

func domainOf(aor string) string {
	_, address, _ := strings.Cut(aor, ":")
	return address[strings.LastIndexByte(address, '@')+1:]
}

// readPath takes the path vector of RFC 3327 §5.3.
func (r *register) readPath(req *sip.Message, o *Options) *refusal {
	if !req.Has(sip.Path) {
		return nil
	}
	if _, err := req.Paths(); err != nil {
		return refuse(400, "Bad Path")
	}
	if !o.Path && !names(req, sip.Supported, "path") && !names(req, sip.Require, "path") {
		// The UA has not asked for the detour that somebody has put in, so it hears of it.
		return refuse(420, sip.Reason(420), sip.Field{Name: "Unsupported", Value: "path"})
	}
	r.path = slices.Collect(req.List(sip.Path))
	return nil
}

func names(req *sip.Message, header sip.Name, tag string) bool {
	tokens, _ := req.Tokens(header) // a malformed list names nothing
	return slices.ContainsFunc(tokens, func(t string) bool { return strings.EqualFold(t, tag) })
}

func (r *register) readContacts(req *sip.Message, to *sip.Address, flow sip.Flow, o *Options) *refusal {
	bound := flow
	if o.Direct && !flow.Transport.Reliable() {
		bound = sip.Flow{}
	}
	contacts, err := req.Contacts()
	if err != nil {
		return refuse(400, "Bad Contact")
	}
	r.fetch = len(contacts) == 0
	seconds, present, err := req.Expires()
	for i := range contacts {
		if contacts[i].Star {
			if len(contacts) > 1 || !present || err != nil || seconds != 0 {
				return refuse(400, "Contact * Needs Expires: 0 Alone")
			}
			r.star = true
			return nil
		}
	}
	asked := int(o.DefaultExpires / time.Second)
	if present {
		asked = seconds
		if err != nil {
			asked = malformedExpires
		}
	}
	agent, _ := req.Value(sip.UserAgent)
	template := location.Binding{
		Registered: r.now, CallID: r.callID, CSeq: r.cseq, Path: r.path, Flow: bound, Source: flow.Remote, UserAgent: agent,
	}
	r.contacts = make([]contact, len(contacts))
	for i := range contacts {
		if no := r.readContact(&r.contacts[i], &contacts[i], to, template, asked, o); no != nil {
			return no
		}
	}
	return nil
}

// malformedExpires is what a malformed expiry counts as, in seconds (RFC 3261 §20.10, §20.19).
const malformedExpires = 3600

func (r *register) readContact(c *contact, a, to *sip.Address, template location.Binding, asked int, o *Options) *refusal {
	params := a.Params
	if text, ok := params.Get("expires"); ok {
		if asked, ok = sip.ParseSeconds(text); !ok {
			asked = malformedExpires
		}
		params = params.Without("expires")
	}
	lasts := time.Duration(asked) * time.Second
	if asked > 0 && asked < 3600 && lasts < o.MinExpires {
		return refuse(423, sip.Reason(423), sip.Field{Name: "Min-Expires", Value: strconv.Itoa(int(o.MinExpires / time.Second))})
	}
	q := 1000 // RFC 3261 §16.6: without a q a contact is as good as any
	if text, ok := params.Get("q"); ok {
		if q, ok = sip.ParseQ(text); !ok {
			return refuse(400, "Bad q")
		}
		params = params.Without("q")
	}
	// A UA cannot propose a GRUU, and must not find its own invention among those granted (RFC 5627 §5.1).
	params = params.Without("pub-gruu").Without("temp-gruu")
	c.uri = a.URI
	c.remove = asked == 0
	c.binding = template
	b := &c.binding
	b.URI, b.Name, b.Params, b.Q = a.URIText, a.Name, params, q
	b.Expires = r.now.Add(min(lasts, o.MaxExpires))
	b.Instance, _ = params.Get("+sip.instance")
	if b.Instance != "" && !c.remove && (a.URI.Equal(&to.URI) || isGRUU(&a.URI) && o.AOR(&a.URI) == r.aor) {
		return refuse(403, "Contact Is the Address of Record") // a routing loop (RFC 5627 §5.1)
	}
	return nil
}

// isGRUU reports whether a URI has the gr parameter that makes it one (RFC 5627 §3.2).
func isGRUU(u *sip.URI) bool {
	_, ok := u.Param("gr")
	return ok
}
