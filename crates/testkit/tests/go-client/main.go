// Aiven's own Go client, which their Terraform provider and operator are made of, against a service
// that runs: every call that a Kafka service needs, and what its types expect of the answers.
//
// AIVEN_WEB_URL and AIVEN_TOKEN say where and who, as the client reads them itself; the arguments are
// the project, the service, and what every name that is made up begins with. It prints a line for
// each step, and ends with 1 and the step's name if an answer is not as expected. What it makes it
// deletes.
package main

import (
	"context"
	"fmt"
	"os"

	aiven "github.com/aiven/go-client-codegen"
)

// site is what the steps are about.
type site struct {
	ctx     context.Context
	client  aiven.Client
	project string
	service string
	prefix  string
}

// step is something that a user of the client does.
type step struct {
	name string
	run  func(*site) error
}

func (s *site) name(what string) string { return s.prefix + "-" + what }

// expect says what is wrong if something is not so.
func expect(good bool, format string, values ...any) error {
	if good {
		return nil
	}
	return fmt.Errorf(format, values...)
}

func run(project, service, prefix string) error {
	client, err := aiven.NewClient()
	if err != nil {
		return err
	}
	s := &site{context.Background(), client, project, service, prefix}
	steps := append(platformSteps, serviceSteps...)
	steps = append(steps, topicSteps...)
	steps = append(steps, accessSteps...)
	steps = append(steps, retrySteps...)
	for _, it := range steps {
		if err := it.run(s); err != nil {
			return fmt.Errorf("%s: %w", it.name, err)
		}
		fmt.Println("ok", it.name)
	}
	return nil
}

func main() {
	if len(os.Args) != 4 {
		fmt.Fprintln(os.Stderr, "usage: go-client PROJECT SERVICE PREFIX")
		os.Exit(2)
	}
	if err := run(os.Args[1], os.Args[2], os.Args[3]); err != nil {
		fmt.Fprintln(os.Stderr, "FAILED", err)
		os.Exit(1)
	}
}
