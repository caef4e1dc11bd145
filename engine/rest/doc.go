// Package rest is what a voice agent may ask for by HTTP: that its call be ended, by the one request of Twilio's REST API that
// such programs send. It is served only where the configuration says so.
package rest
