package main

import (
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"sync/atomic"
	"time"

	aiven "github.com/aiven/go-client-codegen"
	"github.com/aiven/go-client-codegen/handler/service"
)

// behind serves the platform through a proxy that refuses the first requests, and counts all.
func behind(refuse int64) (aiven.Client, *atomic.Int64, func(), error) {
	target, err := url.Parse(os.Getenv("AIVEN_WEB_URL"))
	if err != nil {
		return nil, nil, nil, err
	}
	count := new(atomic.Int64)
	proxy := httputil.NewSingleHostReverseProxy(target)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if count.Add(1) <= refuse {
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		proxy.ServeHTTP(w, r)
	}))
	client, err := aiven.NewClient(aiven.HostOpt(server.URL), aiven.RetryMaxOpt(3),
		aiven.RetryWaitMinOpt(time.Millisecond), aiven.RetryWaitMaxOpt(time.Millisecond))
	return client, count, server.Close, err
}

var retrySteps = []step{
	{"what is away for a moment is asked again", func(s *site) error {
		client, count, done, err := behind(1)
		if err != nil {
			return err
		}
		defer done()
		if _, err := client.ServiceGet(s.ctx, s.project, s.service); err != nil {
			return err
		}
		return expect(count.Load() == 2, "%d requests", count.Load())
	}},
	// The client takes `Service NAME does not exist` for something that will exist in a moment.
	{"a service that does not exist is asked for once", func(s *site) error {
		client, count, done, err := behind(0)
		if err != nil {
			return err
		}
		defer done()
		in := &service.ServiceUserCreateIn{Username: "nobody"}
		_, err = client.ServiceUserCreate(s.ctx, s.project, s.name("nowhere"), in)
		if err := expect(aiven.IsNotFound(err), "%v", err); err != nil {
			return err
		}
		return expect(count.Load() == 1, "%d requests", count.Load())
	}},
}
