package config

import (
	"math"
	"time"
)

// When says what it takes for a changed key to count.
type When string

// A reloadable key counts from the next SIGHUP on. A restart key is bound to what a running server has built: SIGHUP refuses a change to it.
const (
	Reloadable When = "reloadable"
	Restart    When = "restart"
)

// key is one key of the file, bound to its field of one Config.
type key struct {
	path  string // "limits.per_source.requests"
	when  When
	doc   string // one sentence
	value value
}

// keys is the table of all keys, bound to the fields of c, in the order of the reference.
func keys(c *Config) []key {
	const day = 24 * time.Hour
	e := &c.Engine
	return []key{
		{"listen", Restart, "Addresses to listen on: `\"udp:0.0.0.0:5060\"`, or `{address: \"tls:0.0.0.0:5061\", advertise: \"sip.example.org\"}`" +
			" where another host or port is to be written into messages. `udp`, `tcp` or `tls`; IPv6 addresses in brackets; port 0 picks a free one.",
			listeners(&e.Listen)},
		{"domains", Restart, "Names this server answers for, beside its own addresses.", domains(&e.Domains)},

		{"tls.certificates", Restart, "Certificates as `{cert: FILE, key: FILE}`, PEM; chosen by the name a client asks for, the first for clients that ask for none." +
			" The files are read again when they change.", certificates(&e.TLS.Certificates)},
		{"tls.min_version", Restart, "Oldest TLS version spoken.", word(&e.TLS.MinVersion, "1.2", "1.3")},
		{"tls.ca", Restart, "PEM file of the authorities trusted for servers we connect to; without it, those the system trusts.", file(&e.TLS.CA)},
		{"tls.client_ca", Restart, "PEM file of authorities. When given, clients must show a certificate of one of them.", file(&e.TLS.ClientCA)},

		{"limits.message", Restart, "Largest message. A larger one is answered with 513, and its connection closed.", count(&e.Limits.Message, "bytes", 1024, 1<<20)},
		{"limits.headers", Restart, "Largest number of header fields in a message. More are answered with 400.", count(&e.Limits.Headers, "", 16, 10_000)},
		{"limits.branches", Restart, "Largest number of targets of one request that ring at the same time; more of them ring afterwards.", count(&e.Limits.Branches, "", 1, 1000)},
		{"limits.connections", Restart, "Largest number of TCP and TLS connections. One more is closed at once.", count(&e.Limits.Connections, "", 1, 10_000_000)},
		{"limits.per_source.connections", Restart, "Largest number of TCP and TLS connections from one IP address.", count(&e.Limits.PerSource.Connections, "", 1, 10_000_000)},
		{"limits.per_source.requests", Restart, "Largest number of requests a second from one IP address; 0 is no bound. What is over it is dropped.",
			count(&e.Limits.PerSource.Requests, "per second", 0, 1_000_000)},
		{"limits.parked_runs", Restart, "Largest number of script runs that wait at the same time. New calls beyond it are answered with 503.",
			count(&e.Limits.ParkedRuns, "", 1, 10_000_000)},
		{"limits.queue", Restart, "Largest number of messages that wait for one shard. More datagrams are dropped, and streams are read no further.",
			count(&e.Queue, "", 1, 10_000_000)},
		{"limits.answer", Restart, "How long an INVITE may stay without a response or a live branch before it is answered with 500.",
			seconds(&e.Limits.Answer, time.Second, day)},

		{"timers.t1", Restart, "T1 of RFC 3261: estimated round-trip time.", seconds(&e.Timers.T1, 10*time.Millisecond, time.Minute)},
		{"timers.t2", Restart, "T2 of RFC 3261: longest interval between retransmissions.", seconds(&e.Timers.T2, 10*time.Millisecond, time.Minute)},
		{"timers.t4", Restart, "T4 of RFC 3261: how long a message may stay in the network.", seconds(&e.Timers.T4, 10*time.Millisecond, time.Minute)},
		{"timers.c", Restart, "Timer C of RFC 3261: how long a proxied INVITE may ring without a new provisional response. More than 180.",
			seconds(&e.Timers.C, 180*time.Second+time.Millisecond, day)},

		{"registrar.default_expires", Reloadable, "Expiry of a contact that asks for none.", seconds(&e.Registrar.DefaultExpires, time.Second, math.MaxUint32*time.Second)},
		{"registrar.min_expires", Reloadable, "Shortest expiry taken; a shorter one is answered with 423.", seconds(&e.Registrar.MinExpires, time.Second, math.MaxUint32*time.Second)},
		{"registrar.max_expires", Reloadable, "Longest expiry given.", seconds(&e.Registrar.MaxExpires, time.Second, math.MaxUint32*time.Second)},
		{"registrar.max_contacts", Reloadable, "Largest number of contacts of one address of record.", count(&e.Registrar.MaxContacts, "", 1, 1000)},

		{"credentials", Reloadable, "What gateways are told that ask for a password, by the name that scripts call it: `{trunk: {username: office, password: secret}}`." +
			" Calls that have begun go on with what they have.", credentials(&e.Credentials)},
		{"emergency", Reloadable, "Numbers that call for help, at this server or as `tel:`; `urn:service:sos` does anyway." +
			" Such a call is let in however great the load, and no `req:limit` refuses it.", numbers(&e.Emergency)},

		{"media.backend", Restart, "Who relays the media of calls: this process at `media.interfaces`, or the farm `media.rtpengine`." +
			" With neither, media goes from peer to peer.", word(&c.Media.Backend, "builtin", "rtpengine")},
		{"media.interfaces", Restart, "IP addresses that media is received at: `192.0.2.1`, or `{address: 10.0.0.1, advertise: 192.0.2.1}` behind a NAT." +
			" A call leg gets the one its signalling comes in by, or the first one of its IP version.", interfaces(&c.Media.Interfaces)},
		{"media.ports", Restart, "UDP ports used at each interface; a call takes two on each leg, or four with video.", ports(&c.Media.Ports)},
		{"media.threads", Restart, "Number of relay threads; 0 takes one for each four cores granted, at least one.", count(&c.Media.Threads, "", 0, 256)},
		{"media.timeout", Restart, "How long nothing may come from a party that is not on hold before its call is over.", seconds(&c.Media.Timeout, time.Second, day)},
		{"media.rtpengine", Restart, "NG addresses of rtpengines: `192.0.2.9:2223`, or `{address: \"192.0.2.9:2223\", weight: 2}`.", nodes(&c.Media.Rtpengine)},

		{"recordings", Restart, "Folder that calls are recorded to, made when the first one is. A path that a script names never leads out of it.", file(&c.Recordings)},
		{"speech.command", Restart, "Program that speaks for `call:say`: it reads the text from its input and writes a WAV to `{file}`, or prints it where there is no `{file}`;" +
			" `{voice}` and `{language}` stand for those options. As in `espeak-ng --stdin -v {language} -w {file}`.", text(&c.Speech.Command)},
		{"speech.cache", Restart, "Folder that keeps what was spoken, made when something is.", file(&c.Speech.Cache)},

		{"api.listen", Restart, "Address and port, `127.0.0.1:8080`, where a voice agent can end its call as it does at Twilio:" +
			" `POST /2010-04-01/Accounts/{account}/Calls/{call}.json` with `Status=completed`. Without it nothing is served. It is plain HTTP: put a proxy with TLS before it where it leaves the machine.", text(&e.API.Listen)},
		{"api.account", Restart, "User name of those requests; what `call:stream` tells agents as `accountSid`.", text(&e.API.Account)},
		{"api.token", Restart, "Password of those requests.", text(&e.API.Token)},

		{"cdr.file", Restart, "File that gets one line of JSON for each call that is over; none without it. SIGHUP opens it again, after it was moved away.",
			file(&e.CDR.File)},

		{"log.level", Reloadable, "Lowest level logged.", word(&c.Log.Level, "debug", "info", "warn", "error")},
		{"log.format", Restart, "Text, JSON lines, or `auto`: text on a terminal, JSON lines otherwise.", word(&c.Log.Format, "auto", "text", "json")},

		{"drain_timeout", Reloadable, "How long SIGTERM waits for calls that are being set up.", seconds(&c.DrainTimeout, time.Second, day)},
		{"shards", Restart, "Number of shards; 0 takes one for each core granted.", count(&e.Shards, "", 0, 1024)},
		{"script", Reloadable, "Anything: the script reads it as `config`. The script's next version sees a change.", table(&c.Script)},
	}
}
